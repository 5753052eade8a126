import { sizeAfter, type Size } from '../../recipe/geometry';
import type { Recipe } from '../../recipe/recipe';
import { draw } from './cpu';
import { shrunk } from './painter';
import { decoded } from './source';

/** As large as the composer shows a photo. */
const LARGEST = 1080;

/** The address of a picture of the edited photo, and the edited photo's own size. */
export async function stillOf(photo: Blob, recipe: Recipe): Promise<{ url: string; shape: Size }> {
  const source = await decoded(photo);
  const shape = sizeAfter(recipe, source.size);
  const canvas = document.createElement('canvas');
  const here = sizeAfter(recipe, source.canvas);
  draw(canvas, source.canvas, recipe, shrunk(here, LARGEST));
  const picture = await new Promise<Blob | null>((resolve) =>
    canvas.toBlob(resolve, 'image/webp', 0.9),
  );
  if (!picture) throw new Error('This browser cannot write pictures.');
  return { url: URL.createObjectURL(picture), shape };
}
