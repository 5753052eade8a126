import type { Upload } from '../api/types';
import { md5 } from './digest';
import { readPiece } from './reading';

/** ETags of this form are the MD5 of a part; some storages make others, which tell nothing. */
const MD5 = /^[0-9a-f]{32}$/;

/**
 * Why a file cannot be the one that an upload was begun with, or null when it is: as long, and the
 * same in the first, a middle and the last of the parts that have arrived.
 */
export async function differs(file: File, upload: Upload): Promise<string | null> {
  const other = `${file.name} is not the file that this upload was begun with.`;
  if (file.size !== upload.bytes) return other;
  const known = upload.parts.filter((part) => MD5.test(part.etag));
  const last = known.length - 1;
  for (const index of new Set([0, last >> 1, last])) {
    const part = known[index];
    if (!part) continue;
    const start = (part.number - 1) * upload.part_size;
    const data = await readPiece(file, start, start + part.bytes, false);
    if (md5(data) !== part.etag) return other;
  }
  return null;
}

const WINDOW = 256 * 1024;

/** Whether two files hold the same, as far as their length, beginning, middle and end tell. */
export async function sameBytes(one: File, other: File): Promise<boolean> {
  if (one.size !== other.size) return false;
  const { size } = one;
  try {
    for (const start of new Set([
      0,
      Math.max(0, Math.floor((size - WINDOW) / 2)),
      Math.max(0, size - WINDOW),
    ])) {
      const pieces = [one, other].map((file) => readPiece(file, start, start + WINDOW, false));
      const [first, second] = (await Promise.all(pieces)).map((piece) => new Uint8Array(piece));
      if (!first || !second || first.some((byte, index) => byte !== second[index])) return false;
    }
  } catch {
    // What cannot be read is told where it is sent.
    return false;
  }
  return true;
}
