import { readPost } from '../api/posts';
import { pending } from '../feed/pending.svelte';
import { session } from '../session/session.svelte';
import { entities } from '../store/entities.svelte';
import { kindOf } from './limits';
import { fileOf, shelved, unshelve, type Shelved } from './shelf';
import { UploadTask } from './task.svelte';

async function carryOn(kept: Shelved): Promise<UploadTask[]> {
  const file = await fileOf(kept);
  if (!file) return [];
  const task = new UploadTask(file);
  task.onArrived = () => void unshelve(kept.local);
  task.begin(kept.upload);
  return [task];
}

/** Goes on with the files of shared posts that a reload interrupted. */
export async function resumeUploads(): Promise<void> {
  const account = session.viewer?.id;
  if (account === undefined) return;
  const byPost = new Map<string, Shelved[]>();
  for (const item of await shelved(account)) {
    if (item.post !== null) byPost.set(item.post, [...(byPost.get(item.post) ?? []), item]);
  }
  for (const [id, items] of byPost) {
    try {
      const post = entities.post(await readPost(id));
      const tasks = (await Promise.all(items.map(carryOn))).flat();
      const file = tasks[0]?.file;
      pending.add({
        id,
        post,
        tasks,
        preview: file ? { url: URL.createObjectURL(file), kind: kindOf(file.type) } : null,
        shape: null,
      });
    } catch {
      // The post is gone, and with it the reason to keep its files.
      for (const item of items) await unshelve(item.local);
    }
  }
}
