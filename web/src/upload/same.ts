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
