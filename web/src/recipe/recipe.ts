/**
 * What an author does to a photo: kept by the server beside the original, which never changes. The
 * steps in order: turn, mirror, crop, colours, vignette, sharpen. The formulas are those of
 * `tintype.codecs.toning`, and `tests/golden/recipes.json` holds both sides to them.
 */
export const LOOK_NAMES = [
  'ember',
  'harbour',
  'linen',
  'meadow',
  'midnight',
  'silver',
  'ink',
  'apricot',
  'polar',
  'canyon',
  'orchid',
  'tintype',
] as const;

export type LookName = (typeof LOOK_NAMES)[number];

/** Clockwise, in degrees. */
export type Turn = 0 | 90 | 180 | 270;

/** The part that stays, in shares of the turned and mirrored picture's width and height. */
export interface Crop {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Sliders from -1 to 1. */
export const BOTH_WAYS = [
  'brightness',
  'contrast',
  'highlights',
  'shadows',
  'saturation',
  'warmth',
  'tint',
] as const;

/** Sliders from 0 to 1. */
export const UPWARDS = ['fade', 'vignette', 'sharpen'] as const;

export type Slider = (typeof BOTH_WAYS)[number] | (typeof UPWARDS)[number];

export interface Recipe extends Readonly<Record<Slider, number>> {
  readonly turn: Turn;
  readonly mirror: boolean;
  readonly crop: Readonly<Crop> | null;
  readonly look: LookName | null;
  /** Of the look, from 0 to 1. */
  readonly strength: number;
}

/** Leaves a photo as it is. */
export const PLAIN: Recipe = {
  turn: 0,
  mirror: false,
  crop: null,
  look: null,
  strength: 1,
  brightness: 0,
  contrast: 0,
  highlights: 0,
  shadows: 0,
  saturation: 0,
  warmth: 0,
  tint: 0,
  fade: 0,
  vignette: 0,
  sharpen: 0,
};

const FIELDS = Object.keys(PLAIN) as (keyof Recipe)[];

/** A recipe as it travels: without what is at its zero. */
export type SparseRecipe = Partial<Recipe>;

/** Only what differs from a plain recipe, always in the same order. */
export function sparse(recipe: Recipe): SparseRecipe {
  const kept = FIELDS.filter(
    (name) => recipe[name] !== PLAIN[name] && !(name === 'strength' && recipe.look === null),
  );
  return Object.fromEntries(kept.map((name) => [name, recipe[name]]));
}

export const full = (recipe: SparseRecipe | null | undefined): Recipe => ({ ...PLAIN, ...recipe });

export const isPlain = (recipe: Recipe): boolean => Object.keys(sparse(recipe)).length === 0;

export const isSame = (one: Recipe, other: Recipe): boolean =>
  JSON.stringify(sparse(one)) === JSON.stringify(sparse(other));

const BENDS = ['brightness', 'contrast', 'highlights', 'shadows'] as const;
const BLENDS = ['saturation', 'warmth', 'tint', 'fade'] as const;

/** Whether each channel follows a curve of its own. */
export const bends = (recipe: Recipe): boolean => BENDS.some((name) => recipe[name] !== 0);

/** Whether what becomes of a channel depends on the others, or on which channel it is. */
export const blends = (recipe: Recipe): boolean =>
  recipe.look !== null || BLENDS.some((name) => recipe[name] !== 0);

/** Whether other parts of the photo are seen, or from another side. */
export const isSameFrame = (one: Recipe, other: Recipe): boolean =>
  one.turn === other.turn &&
  one.mirror === other.mirror &&
  JSON.stringify(one.crop) === JSON.stringify(other.crop);
