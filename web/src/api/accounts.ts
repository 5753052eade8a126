import { get, patch, post, put, remove } from './client';
import type { Account, Instance, OwnAccount, Page, Registration, Session, SignedIn } from './types';

export interface SignUp {
  handle: string;
  email: string;
  password: string;
  display_name?: string;
  invite?: string;
}

export interface SetUp extends Omit<SignUp, 'invite'> {
  token: string;
  name?: string;
  registration?: Registration;
}

export type ProfileEdit = Partial<Pick<Account, 'display_name' | 'bio' | 'private'>>;

export const readInstance = () => get<Instance>('/instance');
export const setUp = (body: SetUp) => post<SignedIn>('/admin/setup', body);
export const signUp = (body: SignUp) => post<SignedIn>('/accounts', body);
export const signIn = (body: { login: string; password: string }) =>
  post<SignedIn>('/sessions', body);
export const signOut = () => remove('/sessions/current');

export const readMe = () => get<OwnAccount>('/accounts/me');
export const readAccount = (ref: string, signal?: AbortSignal) =>
  get<Account>(`/accounts/${encodeURIComponent(ref)}`, undefined, signal);
export const editProfile = (edit: ProfileEdit) => patch<Account>('/accounts/me', edit);
export const setAvatar = (uploadId: string) =>
  put<Account>('/accounts/me/avatar', { upload_id: uploadId });
export const removeAvatar = () => remove<Account | undefined>('/accounts/me/avatar');
export const changePassword = (current: string, wanted: string) =>
  post<undefined>('/accounts/me/password', { current_password: current, new_password: wanted });
export const deleteAccount = (password: string) =>
  remove<{ state: string }>('/accounts/me', { body: { password } });

export const listSessions = () => get<Pick<Page<Session>, 'items'>>('/sessions');
export const revokeSession = (id: string) => remove(`/sessions/${id}`);
