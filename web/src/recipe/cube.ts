import { bends, blends, type Recipe } from './recipe';
import { bender, blender } from './tone';

/** Samples along each axis of a colour cube. */
export const GRID = 33;

const LAST = GRID - 1;
const GREEN = GRID * 3;
const BLUE = GRID * GRID * 3;

/** What `bender` makes of every 8-bit value, from 0 to 1. */
export function curveOf(recipe: Recipe): Float32Array {
  const bend = bender(recipe);
  return Float32Array.from({ length: 256 }, (_, value) => bend(value / 255));
}

/** What `blender` makes of colours, sampled: red runs fastest, then green, then blue. */
export function cubeOf(recipe: Recipe): Float32Array<ArrayBuffer> {
  const blend = blender(recipe);
  const colour = new Float64Array(3);
  const cube = new Float32Array(GRID * BLUE);
  let at = 0;
  for (let blue = 0; blue < GRID; blue += 1) {
    for (let green = 0; green < GRID; green += 1) {
      for (let red = 0; red < GRID; red += 1, at += 3) {
        colour[0] = red / LAST;
        colour[1] = green / LAST;
        colour[2] = blue / LAST;
        blend(colour);
        cube.set(colour, at);
      }
    }
  }
  return cube;
}

/** Changes the colours of pixels (RGBA) in place, as they are rendered. */
export function recolour(recipe: Recipe, pixels: Uint8ClampedArray): void {
  if (blends(recipe)) through(curveOf(recipe), cubeOf(recipe), pixels);
  else if (bends(recipe)) along(curveOf(recipe), pixels);
}

function along(curve: Float32Array, pixels: Uint8ClampedArray): void {
  for (let at = 0; at < pixels.length; at += 4) {
    for (let channel = at; channel < at + 3; channel += 1) {
      pixels[channel] = (curve[pixels[channel] ?? 0] ?? 0) * 255;
    }
  }
}

/** Between the samples of the cube by trilinear interpolation. */
function through(curve: Float32Array, cube: Float32Array, pixels: Uint8ClampedArray): void {
  const bent = (at: number): number => (curve[pixels[at] ?? 0] ?? 0) * LAST;
  const low = (place: number): number => Math.min(Math.floor(place), LAST - 1);
  const mix = (one: number, other: number, share: number): number => one + (other - one) * share;
  for (let pixel = 0; pixel < pixels.length; pixel += 4) {
    const r = bent(pixel);
    const g = bent(pixel + 1);
    const b = bent(pixel + 2);
    const [r0, g0, b0] = [low(r), low(g), low(b)];
    const row = (at: number): number => mix(cube[at] ?? 0, cube[at + 3] ?? 0, r - r0);
    const layer = (at: number): number => mix(row(at), row(at + GREEN), g - g0);
    const first = r0 * 3 + g0 * GREEN + b0 * BLUE;
    for (let channel = 0; channel < 3; channel += 1) {
      const at = first + channel;
      pixels[pixel + channel] = mix(layer(at), layer(at + BLUE), b - b0) * 255;
    }
  }
}
