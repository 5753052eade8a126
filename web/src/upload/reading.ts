import { Problem } from '../api/problem';

/** What the browser says when a file is not what it was when it was chosen, or not for us. */
const GONE = ['NotReadableError', 'NotFoundError', 'SecurityError', 'NotAllowedError'];

/**
 * The bytes of a file from `start` to before `end`. Rejects with a Problem that trying again does
 * not mend: `before` tells whether the file could be read earlier.
 */
export async function readPiece(
  file: File,
  start: number,
  end: number,
  before: boolean,
): Promise<ArrayBuffer> {
  let data: ArrayBuffer;
  try {
    data = await file.slice(start, end).arrayBuffer();
  } catch (error) {
    if (!(error instanceof DOMException) || !GONE.includes(error.name)) throw error;
    throw before ? changed(file) : unreadable(file);
  }
  if (data.byteLength !== Math.min(end, file.size) - start) throw changed(file);
  return data;
}

function changed(file: File): Problem {
  return hopeless(
    `${file.name} was changed, moved or deleted while it was being sent. Choose it again.`,
  );
}

function unreadable(file: File): Problem {
  return hopeless(`${file.name} cannot be read. Perhaps it was moved, or you may not open it.`);
}

function hopeless(detail: string): Problem {
  return new Problem({ type: 'about:blank', title: 'Unreadable', status: 422, detail });
}

/** Base64 of bytes, as the API takes them in JSON. */
export function base64(data: ArrayBuffer): string {
  let text = '';
  for (const byte of new Uint8Array(data)) text += String.fromCharCode(byte);
  return btoa(text);
}
