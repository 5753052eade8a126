import { newKey } from '../api/client';
import { addComment, deleteComment, setCommentLiked } from '../api/posts';
import { reasonOf } from '../api/problem';
import type { Comment, Post } from '../api/types';
import { mustSignIn } from '../post/actions';
import { session } from '../session/session.svelte';
import { entities } from '../store/entities.svelte';
import { PagedList } from '../store/list.svelte';
import { turn } from '../store/optimistic';
import { toasts } from '../store/toasts.svelte';

const LOCAL = 'local-';

/** Whether a comment is still on its way to the server. */
export const isOnItsWay = (comment: Comment): boolean => comment.id.startsWith(LOCAL);

/**
 * Adds a comment: it stands in the list at once and becomes the server's when that has it.
 * False when it was refused; then it is gone from the list and the text should be offered again.
 */
export async function say(
  post: Post,
  text: string,
  replyTo: Comment | null,
  list: PagedList<Comment>,
): Promise<boolean> {
  const { viewer } = session;
  if (!viewer) return false;
  const key = newKey();
  const draft: Comment = {
    id: LOCAL + key,
    post_id: post.id,
    author: viewer,
    text,
    reply_to: replyTo?.id ?? null,
    created_at: new Date().toISOString(),
    counts: { likes: 0, replies: 0 },
    viewer: { liked: false },
  };
  list.append(draft);
  try {
    const comment = entities.comment(await addComment(post.id, text, replyTo?.id ?? null, key));
    list.items = list.items
      .filter((item) => item.id !== comment.id)
      .map((item) => (item.id === draft.id ? comment : item));
    post.counts.comments += 1;
    if (replyTo) replyTo.counts.replies += 1;
    return true;
  } catch (error) {
    list.remove(draft.id);
    toasts.fail(`Could not post the comment: ${reasonOf(error)}`);
    return false;
  }
}

/** Takes a comment out of the list, and deletes it unless the person undoes that. */
export function unsay(
  post: Post,
  comment: Comment,
  list: PagedList<Comment>,
  parent: Comment | null,
): void {
  const before = list.items;
  const gone = 1 + (parent ? 0 : comment.counts.replies);
  const change = (sign: 1 | -1) => {
    post.counts.comments = Math.max(0, post.counts.comments - sign * gone);
    if (parent) parent.counts.replies = Math.max(0, parent.counts.replies - sign);
  };
  const restore = () => {
    change(-1);
    const there = new Set(list.items.map((item) => item.id));
    list.items = before.filter((item) => there.has(item.id) || item.id === comment.id);
  };
  list.remove(comment.id);
  change(1);
  toasts.undoable(
    'Comment deleted.',
    (leaving) => {
      deleteComment(comment.id, leaving).then(
        () => entities.forget(comment.id),
        (error: unknown) => {
          restore();
          toasts.fail(`Could not delete the comment: ${reasonOf(error)}`);
        },
      );
    },
    restore,
  );
}

export function likeComment(comment: Comment, on: boolean): void {
  if (mustSignIn()) return;
  void turn(`comment-like:${comment.id}`, on, {
    apply: (liked) => {
      if (comment.viewer.liked === liked) return;
      comment.viewer.liked = liked;
      comment.counts.likes = Math.max(0, comment.counts.likes + (liked ? 1 : -1));
    },
    send: (liked) => setCommentLiked(comment.id, liked),
    settle: (answer) => {
      if (!answer) return;
      Object.assign(comment.viewer, answer.viewer);
      Object.assign(comment.counts, answer.counts);
    },
    failed: (error, wanted) =>
      toasts.fail(`Could not ${wanted ? 'like' : 'unlike'} the comment: ${reasonOf(error)}`, () =>
        likeComment(comment, wanted),
      ),
  });
}
