import { reasonOf } from '../api/problem';
import { readPost } from '../api/posts';
import type { Upload, UploadSummary } from '../api/types';
import { dropUpload, openUploads, readUpload } from '../api/uploads';
import { pending } from '../feed/pending.svelte';
import { session } from '../session/session.svelte';
import { entities } from '../store/entities.svelte';
import { toasts } from '../store/toasts.svelte';
import { kindOf } from '../upload/limits';
import { differs } from '../upload/same';
import { fileOf, shelved, type Shelved } from '../upload/shelf';
import { UploadTask } from '../upload/task.svelte';
import { draft } from './draft.svelte';

/** An upload that lacks parts and that nothing on this page carries. */
export interface Unfinished {
  summary: UploadSummary;
  /** Bytes that the server has. */
  arrived: number;
  /** Where this browser has its file, if it does. */
  kept: Shelved | null;
}

class UnfinishedUploads {
  items = $state.raw<Unfinished[]>([]);

  /** Asks the server what was begun, on this device or on another one. */
  async look(): Promise<void> {
    const account = session.viewer?.id;
    if (account === undefined) return;
    try {
      const [{ items }, kept] = await Promise.all([openUploads(), shelved(account)]);
      const found = await Promise.all(
        items.filter((item) => !carried(item.id)).map((summary) => describe(summary, kept)),
      );
      this.items = found.filter((each) => !carried(each.summary.id));
    } catch {
      // Nothing can be offered, then; the next visit asks again.
    }
  }

  /** Goes on with the file that this browser kept; false when a person has to choose it. */
  async goOnAlone(item: Unfinished): Promise<boolean> {
    const file = item.kept && (await fileOf(item.kept, true));
    if (!file) return false;
    await this.goOn(item, file);
    return true;
  }

  /** Goes on with a file, when it is the one. */
  async goOn(item: Unfinished, file: File): Promise<void> {
    const { id, post_id: post } = item.summary;
    try {
      const upload = await readUpload(id);
      const reason = await differs(file, upload);
      if (reason !== null) {
        draft.refusals = [reason];
        return;
      }
      if (post === null)
        draft.adopt(file, id, { ...item.kept, recipe: item.kept?.recipe ?? upload.recipe ?? null });
      else await carryFor(post, file, id);
      draft.refusals = [];
      this.#forget(item);
    } catch (error) {
      draft.refusals = [reasonOf(error)];
    }
  }

  async drop(item: Unfinished): Promise<void> {
    try {
      await dropUpload(item.summary.id);
      this.#forget(item);
    } catch (error) {
      toasts.fail(`Could not delete: ${reasonOf(error)}`);
    }
  }

  #forget(item: Unfinished): void {
    this.items = this.items.filter((other) => other.summary.id !== item.summary.id);
  }
}

function carried(id: string): boolean {
  const tasks = [
    ...draft.items.map((item) => item.task),
    ...pending.posts.flatMap((one) => one.tasks),
  ];
  return tasks.some((task) => task.transfer.id === id);
}

async function describe(summary: UploadSummary, kept: readonly Shelved[]): Promise<Unfinished> {
  const { parts }: Pick<Upload, 'parts'> = await readUpload(summary.id);
  return {
    summary,
    arrived: parts.reduce((sum, part) => sum + part.bytes, 0),
    kept: kept.find((item) => item.upload === summary.id) ?? null,
  };
}

/** Sends the rest of a file that a shared post waits for. */
async function carryFor(id: string, file: File, upload: string): Promise<void> {
  const post = entities.post(await readPost(id));
  const known = pending.posts.find((one) => one.id === id);
  const task = new UploadTask(file);
  task.begin(upload);
  pending.add({
    id,
    post,
    tasks: [...(known?.tasks ?? []), task],
    preview: known?.preview ?? { url: URL.createObjectURL(file), kind: kindOf(file.type) },
    shape: known?.shape ?? null,
  });
}

export const unfinished = new UnfinishedUploads();
