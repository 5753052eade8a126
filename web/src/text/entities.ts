/** A caption or comment cut into what is plain and what leads somewhere. */
export type Piece =
  | { kind: 'text'; text: string }
  | { kind: 'mention'; text: string; handle: string }
  | { kind: 'tag'; text: string; tag: string }
  | { kind: 'link'; text: string; url: string };

// A mention or tag starts a word: not after a letter, a digit, or what e-mail and URLs put before it.
const ENTITY =
  /(?<link>https?:\/\/[^\s<>"']+)|(?<![\p{L}\p{N}_@#/.&])(?:@(?<handle>[A-Za-z0-9_](?:[A-Za-z0-9_.]{0,28}[A-Za-z0-9_])?)|#(?<tag>[\p{L}\p{M}\p{N}_]{1,100}))(?![\p{L}\p{N}_@])/gu;

const CLOSERS = /[.,;:!?'"»”’]+$/u;

/** A URL in running text does not own the punctuation behind it, nor a bracket it did not open. */
function trimLink(text: string): string {
  let link = text.replace(CLOSERS, '');
  while (link.endsWith(')') && link.split('(').length < link.split(')').length) {
    link = link.slice(0, -1).replace(CLOSERS, '');
  }
  return link;
}

/** The pieces in order; joined, their texts are the input again. */
export function piecesOf(text: string): Piece[] {
  const pieces: Piece[] = [];
  let done = 0;
  const plain = (until: number) => {
    if (until > done) pieces.push({ kind: 'text', text: text.slice(done, until) });
  };
  for (const found of text.matchAll(ENTITY)) {
    const { link, handle, tag } = found.groups ?? {};
    const whole = link ? trimLink(link) : found[0];
    if (tag !== undefined && /^[\p{N}_]+$/u.test(tag)) continue;
    plain(found.index);
    if (link) pieces.push({ kind: 'link', text: whole, url: whole });
    else if (handle) pieces.push({ kind: 'mention', text: whole, handle });
    else if (tag) pieces.push({ kind: 'tag', text: whole, tag: tag.toLowerCase() });
    done = found.index + whole.length;
  }
  plain(text.length);
  return pieces;
}
