import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { recolour } from '../src/recipe/cube';
import { sharpen, vignette } from '../src/recipe/finish';
import {
  fromSource,
  pixelsOf,
  sizeAfter,
  toSource,
  turned,
  type Point,
  type Size,
} from '../src/recipe/geometry';
import {
  full,
  isPlain,
  PLAIN,
  sparse,
  type Crop,
  type Recipe,
  type SparseRecipe,
} from '../src/recipe/recipe';
import { bender, blender } from '../src/recipe/tone';

type Three = [number, number, number];

interface Golden {
  colours: Three[];
  tones: { recipe: SparseRecipe; toned: Three[] }[];
  crops: { crop: Crop; size: [number, number]; pixels: [number, number, number, number] }[];
  moves: { recipe: SparseRecipe; picture: number[][]; shown: number[][] }[];
  follows: {
    point: [number, number];
    before: SparseRecipe;
    after: SparseRecipe;
    lies: [number, number] | null;
  }[];
  vignettes: {
    amount: number;
    size: [number, number];
    at: [number, number][];
    factors: number[];
  }[];
  sharpenings: { amount: number; pixels: number[][]; sharpened: number[][] }[];
}

// Vitest runs in the folder of the client.
const golden = JSON.parse(readFileSync('../tests/golden/recipes.json', 'utf8')) as Golden;

const grey = (value: number): number[] => [value, value, value, 255];
const furthest = (one: readonly number[], other: readonly number[]): number =>
  Math.max(...one.map((value, at) => Math.abs(value - (other[at] ?? NaN))));

/** With a crop that begins and ends between two pixels. */
function onPixels(recipe: Recipe, source: Size): Recipe {
  if (recipe.crop === null) return recipe;
  const { width, height } = turned(source, recipe.turn);
  const crop = pixelsOf(recipe.crop, { width, height });
  const across = { x: crop.x / width, width: crop.width / width };
  return { ...recipe, crop: { ...across, y: crop.y / height, height: crop.height / height } };
}

describe('the vectors that hold both sides', () => {
  it('are met by the formulas of every colour', () => {
    let worst = 0;
    for (const { recipe, toned } of golden.tones) {
      const bend = bender(full(recipe));
      const blend = blender(full(recipe));
      golden.colours.forEach((colour, index) => {
        const made = Float64Array.from(colour, (value) => bend(value / 255));
        blend(made);
        worst = Math.max(worst, furthest([...made], toned[index] ?? []));
      });
    }

    expect(worst).toBeLessThan(1e-4);
  });

  it('are met by what is drawn, to one step of 255 wherever the cube allows it', () => {
    let worst = 0;
    let total = 0;
    for (const { recipe, toned } of golden.tones) {
      const pixels = Uint8ClampedArray.from(golden.colours.flatMap((colour) => [...colour, 255]));
      recolour(full(recipe), pixels);
      toned.forEach((colour, index) => {
        const drawn = [...pixels.slice(index * 4, index * 4 + 3)];
        const off = furthest(
          drawn,
          colour.map((value) => value * 255),
        );
        worst = Math.max(worst, off);
        total += off;
      });
    }

    expect(total / golden.tones.length / golden.colours.length).toBeLessThan(1);
    expect(worst).toBeLessThan(4);
  });

  it('are met by crops', () => {
    for (const { crop, size, pixels } of golden.crops) {
      const [width, height] = size;
      const [x, y, wide, high] = pixels;

      expect(pixelsOf(crop, { width, height })).toEqual({ x, y, width: wide, height: high });
    }
  });

  it('are met by what is turned, mirrored and cropped', () => {
    for (const { recipe, picture, shown } of golden.moves) {
      const size = { width: picture[0]?.length ?? 0, height: picture.length };
      const whole = onPixels(full(recipe), size);
      const after = sizeAfter(whole, size);
      const seen = Array.from({ length: after.height }, (_, row) =>
        Array.from({ length: after.width }, (_, column) => {
          const share = { x: (column + 0.5) / after.width, y: (row + 0.5) / after.height };
          const { x, y } = toSource(whole, share);
          return picture[Math.floor(y * size.height)]?.[Math.floor(x * size.width)];
        }),
      );

      expect(seen).toEqual(shown);
    }
  });

  it('are met by points that stay with what they lie on', () => {
    for (const { point, before, after, lies } of golden.follows) {
      const [x, y] = point;
      const found: Point = fromSource(full(after), toSource(full(before), { x, y }));
      const inside = [found.x, found.y].every((share) => share >= 0 && share <= 1);

      expect(inside).toBe(lies !== null);
      if (lies) expect(furthest([found.x, found.y], lies)).toBeLessThan(1e-4);
    }
  });

  it('are met by vignettes', () => {
    for (const { amount, size, at, factors } of golden.vignettes) {
      const [width, height] = size;
      const data = new Uint8ClampedArray(width * height * 4).fill(255);
      vignette({ data, width, height }, amount);
      const found = at.map(([x, y]) => (data[(y * width + x) * 4] ?? 0) / 255);

      expect(furthest(found, factors)).toBeLessThan(1 / 255);
    }
  });

  it('are met by what is sharpened', () => {
    for (const { amount, pixels, sharpened } of golden.sharpenings) {
      const [height, width] = [pixels.length, pixels[0]?.length ?? 0];
      const data = Uint8ClampedArray.from(pixels.flat().flatMap(grey));
      sharpen({ data, width, height }, amount);
      const found = pixels.flat().map((_, index) => data[index * 4] ?? 0);

      expect(furthest(found, sharpened.flat())).toBeLessThanOrEqual(1);
    }
  });
});

describe('a recipe', () => {
  it('travels without what is at its zero', () => {
    expect(sparse(PLAIN)).toEqual({});
    expect(sparse({ ...PLAIN, strength: 0.4 })).toEqual({});
    expect(sparse({ ...PLAIN, look: 'ink', strength: 0.4, turn: 90 })).toEqual({
      look: 'ink',
      strength: 0.4,
      turn: 90,
    });
  });

  it('is plain again when everything was taken back', () => {
    expect(isPlain(full({ warmth: 0 }))).toBe(true);
    expect(isPlain(full({ warmth: 0.1 }))).toBe(false);
  });

  it('leaves every pixel of a plain photo alone', () => {
    const pixels = Uint8ClampedArray.from({ length: 256 * 4 }, (_, at) => at >> 2);
    recolour(PLAIN, pixels);

    expect([...pixels]).toEqual(Array.from({ length: 256 * 4 }, (_, at) => at >> 2));
  });
});
