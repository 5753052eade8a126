import { get, post, remove } from './client';
import type { Account, FollowAnswer, Page, SearchResult } from './types';

export type People = 'followers' | 'following' | 'mutuals';

export const follow = (id: string) => post<FollowAnswer>('/follows', { followed_id: id });
export const unfollow = (id: string) => remove(`/follows/${id}`);
export const removeFollower = (id: string) => remove(`/followers/${id}`);
export const listPeople = (
  id: string,
  which: People,
  cursor: string | null,
  signal?: AbortSignal,
) => get<Page<Account>>(`/accounts/${id}/${which}`, { cursor }, signal);

export const listRequests = (cursor: string | null, signal?: AbortSignal) =>
  get<Page<Account>>('/follow-requests', { cursor }, signal);
export const acceptRequest = (id: string) => post<undefined>(`/follow-requests/${id}/accept`);
export const declineRequest = (id: string) => remove(`/follow-requests/${id}`);

export const block = (id: string) => post<undefined>('/blocks', { account_id: id });
export const unblock = (id: string) => remove(`/blocks/${id}`);
export const listBlocks = (cursor: string | null, signal?: AbortSignal) =>
  get<Page<Account>>('/blocks', { cursor }, signal);

export const mute = (id: string) => post<undefined>('/mutes', { account_id: id });
export const unmute = (id: string) => remove(`/mutes/${id}`);
export const listMutes = (cursor: string | null, signal?: AbortSignal) =>
  get<Page<Account>>('/mutes', { cursor }, signal);

export const search = (q: string, type: 'accounts' | 'tags' | undefined, signal?: AbortSignal) =>
  get<SearchResult>('/search', { q, type }, signal);
