import type { Size } from '../../recipe/geometry';

/** A photo to be edited: upright, and not larger than it is of use on a screen. */
export interface Source {
  canvas: HTMLCanvasElement;
  /** Of the photo itself. */
  size: Size;
}

/** Pixels along the longer side: what the largest rendition has, too. */
export const LARGEST = 1440;

/** Decodes a photo. Rejects where the browser does not know its format. */
export async function decoded(photo: Blob, most: number = LARGEST): Promise<Source> {
  const bitmap = await createImageBitmap(photo);
  const size = { width: bitmap.width, height: bitmap.height };
  const share = Math.min(1, most / Math.max(size.width, size.height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(size.width * share));
  canvas.height = Math.max(1, Math.round(size.height * share));
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) throw new Error('This browser has no canvas.');
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return { canvas, size };
}
