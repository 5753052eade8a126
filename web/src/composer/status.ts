import { bytes } from '../text/format';
import type { UploadTask } from '../upload/task.svelte';

/** What has arrived, in percent: the last one comes with the last byte. */
export const percentOf = (task: UploadTask): number =>
  Math.floor((task.arrived / Math.max(1, task.file.size)) * 100);

/** What has arrived, in words that stay true while a part is on its way. */
function amountOf(task: UploadTask): string {
  return `${bytes(task.arrived)} of ${bytes(task.file.size)}`;
}

/** In words, where an upload stands. */
export function statusOf(task: UploadTask): string {
  switch (task.transfer.phase) {
    case 'new':
      return task.offline ? 'Waiting for a connection' : 'Starting';
    case 'sending':
      if (task.offline) return `Waiting for a connection, ${amountOf(task)}`;
      if (task.transfer.reason)
        return `The server does not answer, trying again, ${amountOf(task)}`;
      return `Uploading, ${amountOf(task)}`;
    case 'paused':
      return `Paused at ${amountOf(task)}`;
    case 'completing':
    case 'processing':
      return 'Preparing';
    case 'ready':
      return 'Ready';
    case 'failed':
      return task.transfer.reason || 'Failed';
  }
}
