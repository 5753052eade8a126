import { get, post, remove } from './client';
import type { Limits, NewUpload, SignedPart, Upload } from './types';

export const readLimits = () => get<Partial<Limits>>('/limits');
export const createUpload = (
  file: { type: string; size: number; name: string },
  key: string,
): Promise<NewUpload> =>
  post('/uploads', { content_type: file.type, bytes: file.size, filename: file.name }, key);
export const readUpload = (id: string, signal?: AbortSignal) =>
  get<Upload>(`/uploads/${id}`, undefined, signal);
export const signPart = (id: string, number: number, signal?: AbortSignal) =>
  get<SignedPart>(`/uploads/${id}/parts/${number}`, undefined, signal);
export const completeUpload = (id: string) => post<Upload | undefined>(`/uploads/${id}/complete`);
export const dropUpload = (id: string) => remove(`/uploads/${id}`);
