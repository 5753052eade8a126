import type { Size } from '../../recipe/geometry';
import type { Recipe } from '../../recipe/recipe';
import { draw } from './cpu';
import { Gpu } from './gpu';

/** Pixels along the longer side of a preview that is drawn without a graphics card. */
const PLAIN_LARGEST = 720;

export interface Painter {
  paint(recipe: Recipe, size: Size): void;
  release(): void;
}

/**
 * Something that paints a photo onto a canvas: the graphics card where there is one, else a slower
 * hand that draws the same, in fewer pixels. `onlost` is called when the card goes away; another
 * canvas is needed then, since one that had a card takes nothing else.
 */
export function painterOn(
  canvas: HTMLCanvasElement,
  photo: HTMLCanvasElement,
  onlost: (() => void) | null,
): Painter {
  if (onlost !== null) {
    try {
      return onCard(new Gpu(canvas, photo), canvas, onlost);
    } catch {
      // A canvas that a card was asked for in vain still takes the slower hand; else it is lost.
      if (!canvas.getContext('2d')) onlost();
    }
  }
  return {
    paint: (recipe, size) => draw(canvas, photo, recipe, shrunk(size, PLAIN_LARGEST)),
    release: () => undefined,
  };
}

function onCard(gpu: Gpu, canvas: HTMLCanvasElement, onlost: () => void): Painter {
  canvas.addEventListener('webglcontextlost', onlost);
  return {
    paint: (recipe, size) => gpu.draw(recipe, size),
    release: () => {
      canvas.removeEventListener('webglcontextlost', onlost);
      gpu.release();
    },
  };
}

/** At most so long, in the same shape. */
export function shrunk({ width, height }: Size, most: number): Size {
  const share = Math.min(1, most / Math.max(width, height));
  return {
    width: Math.max(1, Math.round(width * share)),
    height: Math.max(1, Math.round(height * share)),
  };
}
