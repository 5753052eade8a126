import type { Limits } from '../api/types';
import { bytes } from '../text/format';

const MIB = 1024 * 1024;

/** What holds where the server does not say otherwise. */
export const FALLBACK: Limits = {
  photo_bytes: 8 * MIB,
  video_bytes: 4096 * MIB,
  photo_types: [
    'image/jpeg',
    'image/png',
    'image/webp',
    'image/avif',
    'image/gif',
    'image/heic',
    'image/heif',
  ],
  video_types: ['video/mp4', 'video/quicktime', 'video/webm'],
  slides: 20,
  caption: 2200,
  comment: 1000,
  alt: 1000,
  bio: 500,
  display_name: 60,
  pixels: 50_000_000,
  side: 16_383,
  video_seconds: 3600,
  head_bytes: 4096,
};

/** The server's limits over the fallback ones; what it leaves out stays as it is. */
export function limitsFrom(said: Partial<Limits> | undefined): Limits {
  return { ...FALLBACK, ...said };
}

const BY_EXTENSION: Record<string, string> = {
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  png: 'image/png',
  webp: 'image/webp',
  avif: 'image/avif',
  gif: 'image/gif',
  heic: 'image/heic',
  heif: 'image/heif',
  mp4: 'video/mp4',
  m4v: 'video/mp4',
  mov: 'video/quicktime',
  webm: 'video/webm',
};

/** The content type of a file; by its extension where the browser does not know one. */
export function typeOf(file: { name: string; type: string }): string {
  if (file.type) return file.type;
  const extension = file.name.split('.').pop()?.toLowerCase() ?? '';
  return BY_EXTENSION[extension] ?? 'application/octet-stream';
}

export const kindOf = (type: string): 'photo' | 'video' =>
  type.startsWith('video/') ? 'video' : 'photo';

/** Why a file cannot be uploaded, or null when it can, as far as its name and size tell. */
export function refusal(
  file: { name: string; type: string; size: number },
  limits: Limits,
): string | null {
  const type = typeOf(file);
  const photo = limits.photo_types.includes(type);
  const video = limits.video_types.includes(type);
  if (!photo && !video) return `${file.name}: this kind of file is not supported.`;
  if (file.size === 0) return `${file.name} is empty.`;
  const most = photo ? limits.photo_bytes : limits.video_bytes;
  if (file.size > most) {
    const what = photo ? 'photos' : 'videos';
    return `${file.name} is ${bytes(file.size)}; ${what} may have up to ${bytes(most)}.`;
  }
  return null;
}
