import type { Shape } from '../feed/pending.svelte';

const HEAD_BYTES = 64 * 1024;
const ISPE = 0x69737065;
const IROT = 0x69726f74;
const QUARTER_TURNS = 3;

/**
 * The size of a HEIC photo as it is shown, read from its head; null where that does not tell.
 * Browsers that cannot decode the format know nothing about it. An `ispe` box (ISO/IEC 23008-12)
 * holds the size of one item: the largest is the picture, the others are its tiles and thumbnails.
 */
export async function heicShape(file: Blob): Promise<Shape | null> {
  const view = new DataView(await file.slice(0, HEAD_BYTES).arrayBuffer());
  let shape: Shape | null = null;
  let turned = false;
  for (let at = 0; at + 16 <= view.byteLength; at += 1) {
    const type = view.getUint32(at);
    if (type === IROT) turned = (view.getUint8(at + 4) & QUARTER_TURNS) % 2 === 1;
    if (type !== ISPE) continue;
    const [width, height] = [view.getUint32(at + 8), view.getUint32(at + 12)];
    if (!shape || width * height > shape.width * shape.height) shape = { width, height };
  }
  return shape && turned ? { width: shape.height, height: shape.width } : shape;
}
