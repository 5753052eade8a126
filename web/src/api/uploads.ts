import type { SparseRecipe } from '../recipe/recipe';
import { get, post, put, remove } from './client';
import type {
  Limits,
  NewUpload,
  Page,
  SentBytes,
  SignedPart,
  Upload,
  UploadSummary,
} from './types';

export const readLimits = () => get<Partial<Limits>>('/limits');
export const createUpload = (
  file: { type: string; size: number; name: string; head: string },
  key: string,
): Promise<NewUpload> =>
  post(
    '/uploads',
    { content_type: file.type, bytes: file.size, filename: file.name, head: file.head },
    key,
  );
/** The viewer's uploads that lack parts, begun on whatever device. */
export const openUploads = (): Promise<Page<UploadSummary>> =>
  get('/uploads', { state: 'uploading', limit: 100 });
/** The viewer's uploads that the server is busy with, begun on whatever device. */
export const uploadsAtWork = (): Promise<Page<UploadSummary>> =>
  get('/uploads', { state: 'processing', limit: 100 });
export const readUpload = (id: string, signal?: AbortSignal) =>
  get<Upload>(`/uploads/${id}`, undefined, signal);
export const signPart = (id: string, number: number, signal?: AbortSignal) =>
  get<SignedPart>(`/uploads/${id}/parts/${number}`, undefined, signal);
export const completeUpload = (id: string, sent: SentBytes = {}) =>
  post<Upload | undefined>(`/uploads/${id}/complete`, sent);
/** Replaces what is done to a photo; it is made anew where it was ready. */
export const putRecipe = (id: string, recipe: SparseRecipe) =>
  put<Upload>(`/uploads/${id}/recipe`, recipe);
export const dropUpload = (id: string) => remove(`/uploads/${id}`);
