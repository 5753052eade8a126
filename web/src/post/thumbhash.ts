import { thumbHashToDataURL } from 'thumbhash';

const known = new Map<string, string | null>();

/** A tiny blurred picture of a slide as a data URL; null where there is none to decode. */
export function blurOf(thumbhash: string | null): string | null {
  if (!thumbhash) return null;
  const before = known.get(thumbhash);
  if (before !== undefined) return before;
  let url: string | null = null;
  try {
    url = thumbHashToDataURL(Uint8Array.from(atob(thumbhash), (letter) => letter.charCodeAt(0)));
  } catch {
    // A placeholder that cannot be read is no reason to show nothing.
  }
  known.set(thumbhash, url);
  return url;
}
