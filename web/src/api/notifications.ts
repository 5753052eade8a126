import { get, post } from './client';
import type { NotificationPage } from './types';

export const listNotifications = (cursor: string | null, signal?: AbortSignal) =>
  get<NotificationPage>('/notifications', { cursor }, signal);
export const countUnread = () => get<{ unread: number }>('/notifications/unread');
export const markRead = (upTo: string) => post<undefined>('/notifications/read', { up_to: upTo });
