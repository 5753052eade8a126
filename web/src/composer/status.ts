import type { UploadTask } from '../upload/task.svelte';

export const percentOf = (task: UploadTask): number => Math.floor(task.progress * 100);

/** In words, where an upload stands. */
export function statusOf(task: UploadTask): string {
  switch (task.transfer.phase) {
    case 'new':
      return 'Starting';
    case 'sending':
      return `Uploading, ${percentOf(task)} %`;
    case 'paused':
      return `Paused at ${percentOf(task)} %`;
    case 'completing':
    case 'processing':
      return 'Preparing';
    case 'ready':
      return 'Ready';
    case 'failed':
      return task.transfer.reason || 'Failed';
  }
}
