import { LOOKS, LUMA, type Look } from './looks';
import type { Recipe } from './recipe';

/** Changes a colour in place: red, green and blue, each from 0 to 1. */
export type Toner = (colour: Float64Array) => void;

/** Of shadows and highlights; four times what the formula names. */
export const REACH = 0.2 * 4;
const WARMTH = 0.12;
const TINT = 0.08;
const FADE_SCALE = 0.25;
const FADE_LIFT = 0.12;

const clip = (value: number): number => (value < 0 ? 0 : value > 1 ? 1 : value);
const curve = (value: number): number => value * value * (3 - 2 * value);
const lumaOf = (colour: Float64Array): number =>
  LUMA[0] * (colour[0] ?? 0) + LUMA[1] * (colour[1] ?? 0) + LUMA[2] * (colour[2] ?? 0);

function looker({ saturation, gamma, contrast, dark, light, floor, ceiling }: Look): Toner {
  return (colour) => {
    const before = lumaOf(colour);
    for (let at = 0; at < 3; at += 1) {
      const pure = clip(before + ((colour[at] ?? 0) - before) * saturation);
      const bent = pure ** (gamma[at] ?? 1);
      colour[at] = clip(bent + contrast * (curve(bent) - bent));
    }
    const luma = lumaOf(colour);
    const shade = (1 - luma) * (1 - luma);
    const glow = luma * luma;
    for (let at = 0; at < 3; at += 1) {
      const tinted = clip((colour[at] ?? 0) + (dark[at] ?? 0) * shade + (light[at] ?? 0) * glow);
      colour[at] = floor + tinted * (ceiling - floor);
    }
  };
}

/** What becomes of a channel, whichever it is, by the sliders that know nothing of the others. */
export function bender({ brightness, contrast, highlights, shadows }: Recipe) {
  const power = 2 ** -brightness;
  return (value: number): number => {
    let v = clip(value) ** power;
    v += contrast * (curve(v) - v);
    const rest = 1 - v;
    return clip(v + REACH * (highlights * v * v * rest + shadows * v * rest * rest));
  };
}

/** What becomes of a colour after that, by the sliders that mix or weigh channels, and the look. */
export function blender(recipe: Recipe): Toner {
  const { fade, strength } = recipe;
  const spread = 1 + recipe.saturation;
  const warm = [1 + WARMTH * recipe.warmth, 1 - TINT * recipe.tint, 1 - WARMTH * recipe.warmth];
  const look = recipe.look === null ? null : looker(LOOKS[recipe.look]);
  const looked = new Float64Array(3);
  return (colour) => {
    const luma = lumaOf(colour);
    for (let at = 0; at < 3; at += 1) {
      const v = clip((luma + ((colour[at] ?? 0) - luma) * spread) * (warm[at] ?? 1));
      colour[at] = v * (1 - FADE_SCALE * fade) + FADE_LIFT * fade;
    }
    if (look === null) return;
    looked.set(colour);
    look(looked);
    for (let at = 0; at < 3; at += 1) {
      const v = colour[at] ?? 0;
      colour[at] = clip(v + strength * ((looked[at] ?? 0) - v));
    }
  };
}
