import { isPassing } from '../api/client';
import { reasonOf } from '../api/problem';
import { deletePost, readPost, retryPost } from '../api/posts';
import type { Post } from '../api/types';
import { readUpload, uploadsAtWork } from '../api/uploads';
import { session } from '../session/session.svelte';
import { entities } from '../store/entities.svelte';
import { keptList } from '../store/list.svelte';
import { FEED, postsOf } from '../store/lists';
import { toasts } from '../store/toasts.svelte';
import type { UploadTask } from '../upload/task.svelte';

/** A post of the viewer's that others cannot see yet. */
export interface PendingPost {
  id: string;
  post: Post;
  /** The uploads it waits for, where this page load carries them. */
  tasks: UploadTask[];
  /** The first slide's local file, to show meanwhile. */
  preview: { url: string; kind: 'photo' | 'video' } | null;
  /** The first slide's size, where it is known: the card takes the room the post will take. */
  shape: Shape | null;
}

export interface Shape {
  width: number;
  height: number;
}

const KEPT = 'tintype.pending';
const WAITS_MS = [700, 900, 1200, 1800, 2500, 4000];

class Pending {
  posts = $state.raw<PendingPost[]>([]);
  /** By post: how much of its slowest video the server has converted, in percent. */
  converted = $state.raw<Record<string, number>>({});

  /** Takes up the posts that an earlier page load left waiting, or another device. */
  async start(): Promise<void> {
    const kept = readKept();
    for (const id of kept) void this.#look(id, 0);
    try {
      const { items } = await uploadsAtWork();
      const posts = new Set(items.flatMap((upload) => upload.post_id ?? []));
      for (const id of posts) if (!kept.includes(id) && !this.#follows(id)) void this.#look(id, 0);
    } catch {
      // Then they appear when they are published.
    }
  }

  add(pending: PendingPost): void {
    this.posts = [pending, ...this.posts.filter((other) => other.id !== pending.id)];
    this.#keep();
    this.#later(pending.id, 0);
  }

  /** Tries the failed files of a post again, or lets go of them and shares the others. */
  async retry(pending: PendingPost, withoutFailed = false): Promise<void> {
    if (pending.post.state !== 'failed') {
      for (const task of pending.tasks) task.retry();
    } else {
      try {
        await retryPost(pending.id, withoutFailed);
        const tasks = pending.tasks.filter((task) => task.transfer.phase !== 'failed');
        this.posts = this.posts.map((other) => (other === pending ? { ...other, tasks } : other));
        entities.post({ ...pending.post, state: 'processing', reason: null });
        this.#later(pending.id, 0);
      } catch (error) {
        toasts.fail(`Could not try again: ${reasonOf(error)}`);
      }
    }
  }

  async discard(pending: PendingPost): Promise<void> {
    try {
      await deletePost(pending.id);
      for (const task of pending.tasks) task.drop();
      this.#drop(pending.id);
    } catch (error) {
      toasts.fail(`Could not discard: ${reasonOf(error)}`, () => void this.discard(pending));
    }
  }

  /** Lets go of a failed post that another one has replaced. */
  async replaced(id: string): Promise<void> {
    const old = this.posts.find((pending) => pending.id === id);
    if (old) await this.discard(old);
  }

  #later(id: string, turn: number): void {
    const wait = WAITS_MS[Math.min(turn, WAITS_MS.length - 1)] ?? 4000;
    window.setTimeout(() => void this.#look(id, turn), wait);
  }

  async #look(id: string, turn: number): Promise<void> {
    try {
      const post = entities.post(await readPost(id));
      if (post.state === 'published') this.#arrive(post);
      else {
        this.#show(post);
        if (post.state === 'processing') await this.#measure(post);
        if (post.state !== 'failed') this.#later(id, turn + 1);
      }
    } catch (error) {
      if (isPassing(error)) this.#later(id, turn + 1);
      else this.#drop(id);
    }
  }

  /** Asks how far the server is with a video; of photos there is nothing to tell. */
  async #measure(post: Post): Promise<void> {
    const videos = post.slides.filter((slide) => slide.kind === 'video');
    const shown = await Promise.all(videos.map((slide) => readUpload(slide.id)));
    const told = shown.map((upload) => (upload.state === 'ready' ? 100 : (upload.progress ?? 0)));
    if (told.length > 0) this.converted = { ...this.converted, [post.id]: Math.min(...told) };
  }

  #follows(id: string): boolean {
    return this.posts.some((pending) => pending.id === id);
  }

  #show(post: Post): void {
    if (this.#follows(post.id)) return;
    this.posts = [{ id: post.id, post, tasks: [], preview: null, shape: null }, ...this.posts];
    this.#keep();
  }

  #arrive(post: Post): void {
    const known = this.#follows(post.id);
    this.#drop(post.id);
    keptList<Post>(FEED)?.prepend(post);
    keptList<Post>(postsOf(post.author.id))?.prepend(post);
    const { viewer } = session;
    if (known && viewer?.counts) viewer.counts.posts += 1;
  }

  #drop(id: string): void {
    const gone = this.posts.find((pending) => pending.id === id);
    if (gone?.preview) URL.revokeObjectURL(gone.preview.url);
    this.posts = this.posts.filter((pending) => pending.id !== id);
    this.#keep();
  }

  #keep(): void {
    try {
      localStorage.setItem(KEPT, JSON.stringify(this.posts.map((pending) => pending.id)));
    } catch {
      // Then only this page load follows them.
    }
  }
}

function readKept(): string[] {
  try {
    const ids: unknown = JSON.parse(localStorage.getItem(KEPT) ?? '[]');
    return Array.isArray(ids) ? ids.filter((id) => typeof id === 'string') : [];
  } catch {
    return [];
  }
}

export const pending = new Pending();
