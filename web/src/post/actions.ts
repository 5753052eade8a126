import { deletePost, editPost, readPost, setLiked, setSaved } from '../api/posts';
import { reasonOf } from '../api/problem';
import type { Post, PostEdit, Reaction } from '../api/types';
import { session } from '../session/session.svelte';
import { entities } from '../store/entities.svelte';
import { dropLists, keptList, removeEverywhere } from '../store/list.svelte';
import { turn } from '../store/optimistic';
import { toasts } from '../store/toasts.svelte';

/** Sends an anonymous reader to the sign-in page; true when there is a viewer. */
export function mustSignIn(): boolean {
  if (session.viewer) return false;
  toasts.say('Sign in to take part.', {
    label: 'Sign in',
    act: () => location.assign(`/signin?next=${encodeURIComponent(location.pathname)}`),
  });
  return true;
}

function settle(post: Post, answer: Reaction | undefined): void {
  if (!answer) return;
  Object.assign(post.viewer, answer.viewer);
  Object.assign(post.counts, answer.counts);
}

export function like(post: Post, on: boolean): void {
  if (mustSignIn()) return;
  void turn(`like:${post.id}`, on, {
    apply: (liked) => {
      if (post.viewer.liked === liked) return;
      post.viewer.liked = liked;
      post.counts.likes = Math.max(0, post.counts.likes + (liked ? 1 : -1));
    },
    send: (liked) => setLiked(post.id, liked),
    settle: (answer) => settle(post, answer),
    failed: (error, wanted) =>
      toasts.fail(`Could not ${wanted ? 'like' : 'unlike'} the post: ${reasonOf(error)}`, () =>
        like(post, wanted),
      ),
  });
}

export function save(post: Post, on: boolean): void {
  if (mustSignIn()) return;
  void turn(`save:${post.id}`, on, {
    apply: (saved) => {
      post.viewer.saved = saved;
    },
    send: (saved) => setSaved(post.id, saved),
    settle: (answer) => {
      settle(post, answer);
      if (post.viewer.saved) dropLists('saved');
      else keptList<Post>('saved')?.remove(post.id);
    },
    failed: (error, wanted) =>
      toasts.fail(`Could not ${wanted ? 'save' : 'unsave'} the post: ${reasonOf(error)}`, () =>
        save(post, wanted),
      ),
  });
}

/** Deletes for good; the post leaves every list once the server has confirmed. */
export async function discard(post: Post): Promise<boolean> {
  try {
    await deletePost(post.id);
  } catch (error) {
    toasts.fail(`Could not delete the post: ${reasonOf(error)}`, () => void discard(post));
    return false;
  }
  entities.forget(post.id);
  removeEverywhere(post.id);
  const { viewer } = session;
  if (viewer?.counts) viewer.counts.posts = Math.max(0, viewer.counts.posts - 1);
  toasts.say('Post deleted.');
  return true;
}

const REFRESH_EVERY_MS = 60_000;
const refreshed = new Map<string, number>();

/** Reads a post again for fresh addresses of its files, which run out; once a minute at most. */
export async function refresh(post: Post): Promise<void> {
  const now = Date.now();
  if (now - (refreshed.get(post.id) ?? 0) < REFRESH_EVERY_MS) return;
  refreshed.set(post.id, now);
  try {
    entities.post(await readPost(post.id));
  } catch {
    // The description stands in for the picture.
  }
}

/** Changes a post of the viewer's; rejects with what the server has against it. */
export async function edit(post: Post, changes: PostEdit): Promise<void> {
  entities.post(await editPost(post.id, changes));
}

/** Copies the address of a post, or hands it to the system's share sheet on a phone. */
export async function share(post: Post): Promise<void> {
  const url = `${location.origin}/p/${post.id}`;
  try {
    if (typeof navigator.share === 'function' && matchMedia('(pointer: coarse)').matches) {
      await navigator.share({ url });
      return;
    }
    await navigator.clipboard.writeText(url);
    toasts.say('Link copied.');
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') return;
    toasts.fail('Could not copy the link.');
  }
}
