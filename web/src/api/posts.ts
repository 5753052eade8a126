import { call, get, patch, post, put, remove } from './client';
import type {
  Account,
  Comment,
  FeedPage,
  Page,
  Post,
  PostDraft,
  PostEdit,
  Reaction,
} from './types';

const PAGE = 12;

export const readFeed = (cursor: string | null, hideSeen: boolean, signal?: AbortSignal) =>
  get<FeedPage>('/feed', { cursor, limit: PAGE, seen: hideSeen ? 'hide' : null }, signal);
/** Outlives the page that sends it. */
export const reportSeen = (posts: string[]) =>
  call<undefined>('POST', '/feed/seen', { body: { posts }, keepalive: true });
/** A page with nothing but the newest post. */
export const readNewest = () => get<FeedPage>('/feed', { limit: 1 });
export const listPosts = (accountId: string, cursor: string | null, signal?: AbortSignal) =>
  get<Page<Post>>(`/accounts/${accountId}/posts`, { cursor, limit: 24 }, signal);
export const listTagged = (tag: string, cursor: string | null, signal?: AbortSignal) =>
  get<Page<Post>>(`/tags/${encodeURIComponent(tag)}/posts`, { cursor, limit: 24 }, signal);
export const listSaved = (cursor: string | null, signal?: AbortSignal) =>
  get<Page<Post>>('/saves', { cursor, limit: 24 }, signal);

export const readPost = (id: string, signal?: AbortSignal) =>
  get<Post>(`/posts/${id}`, undefined, signal);
export const createPost = (draft: PostDraft, key: string) =>
  post<{ post: Post }>('/posts', draft, key);
export const editPost = (id: string, edit: PostEdit) => patch<Post>(`/posts/${id}`, edit);
export const retryPost = (id: string, withoutFailed = false) =>
  post<Post | undefined>(`/posts/${id}/retry`, { without_failed: withoutFailed });
export const deletePost = (id: string) => remove(`/posts/${id}`);

export const setLiked = (id: string, on: boolean) =>
  (on ? put<Reaction> : remove<Reaction>)(`/posts/${id}/like`);
export const setSaved = (id: string, on: boolean) =>
  (on ? put<Reaction> : remove<Reaction>)(`/posts/${id}/save`);
export const listLikers = (id: string, cursor: string | null, signal?: AbortSignal) =>
  get<Page<Account>>(`/posts/${id}/likes`, { cursor }, signal);

export const listComments = (
  postId: string,
  replyTo: string | null,
  cursor: string | null,
  signal?: AbortSignal,
) => get<Page<Comment>>(`/posts/${postId}/comments`, { cursor, reply_to: replyTo }, signal);
export const addComment = (postId: string, text: string, replyTo: string | null, key: string) =>
  post<Comment>(`/posts/${postId}/comments`, { text, ...(replyTo && { reply_to: replyTo }) }, key);
export const deleteComment = (id: string, keepalive = false) =>
  remove(`/comments/${id}`, { keepalive });
export const setCommentLiked = (id: string, on: boolean) =>
  (on
    ? put<Pick<Comment, 'viewer' | 'counts'> | undefined>
    : remove<Pick<Comment, 'viewer' | 'counts'> | undefined>)(`/comments/${id}/like`);
