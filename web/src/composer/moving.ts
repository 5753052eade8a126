const HEAD_BYTES = 32;
const ANIMATED = 2;

/**
 * Whether a photo is a moving one, as far as its first bytes tell: every GIF, a WebP with the
 * animation flag in its VP8X chunk, and an AVIF of the brand `avis`.
 */
export async function mayMove(file: Blob): Promise<boolean> {
  const head = new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer());
  const text = String.fromCharCode(...head);
  if (text.startsWith('GIF8')) return true;
  if (text.startsWith('VP8X', 12)) return ((head[20] ?? 0) & ANIMATED) !== 0;
  return text.startsWith('ftypavis', 4);
}
