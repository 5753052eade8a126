import { recolour } from '../../recipe/cube';
import { sharpen, vignette } from '../../recipe/finish';
import { fromSource, type Size } from '../../recipe/geometry';
import type { Recipe } from '../../recipe/recipe';

/** Draws a photo as a recipe leaves it, without any help of a graphics card. */
export function draw(
  canvas: HTMLCanvasElement,
  photo: HTMLCanvasElement,
  recipe: Recipe,
  { width, height }: Size,
): void {
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) return;
  canvas.width = width;
  canvas.height = height;
  const corner = fromSource(recipe, { x: 0, y: 0 });
  const across = fromSource(recipe, { x: 1, y: 0 });
  const down = fromSource(recipe, { x: 0, y: 1 });
  context.imageSmoothingQuality = 'high';
  context.setTransform(
    ((across.x - corner.x) * width) / photo.width,
    ((across.y - corner.y) * height) / photo.width,
    ((down.x - corner.x) * width) / photo.height,
    ((down.y - corner.y) * height) / photo.height,
    corner.x * width,
    corner.y * height,
  );
  context.drawImage(photo, 0, 0);
  const pixels = context.getImageData(0, 0, width, height);
  recolour(recipe, pixels.data);
  vignette(pixels, recipe.vignette);
  sharpen(pixels, recipe.sharpen);
  context.putImageData(pixels, 0, 0);
}
