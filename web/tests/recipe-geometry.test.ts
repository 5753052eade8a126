import { describe, expect, it } from 'vitest';
import { Change } from '../src/composer/editor/change.svelte';
import { moved, resized, scaled, settled, shaped, turnedOnce, WHOLE } from '../src/recipe/geometry';
import { full, PLAIN } from '../src/recipe/recipe';

const LANDSCAPE = { width: 4000, height: 3000 };

describe('a crop', () => {
  it('never leaves the picture', () => {
    const crop = { x: 0.2, y: 0.2, width: 0.5, height: 0.5 };

    expect(moved(crop, 9, -9)).toEqual({ ...crop, x: 0.5, y: 0 });
    expect(scaled(crop, 100)).toEqual(WHOLE);
    const grown = resized(crop, { across: 1, down: 1 }, { x: 9, y: 9 }, null);
    expect(grown.x + grown.width).toBeCloseTo(1);
    expect(grown.y + grown.height).toBeCloseTo(1);
  });

  it('keeps the edges opposite of a handle where they are', () => {
    const crop = { x: 0.2, y: 0.2, width: 0.5, height: 0.4 };
    const after = resized(crop, { across: -1, down: -1 }, { x: 0.1, y: 0.1 }, null);

    expect(after.x + after.width).toBeCloseTo(0.7);
    expect(after.y + after.height).toBeCloseTo(0.6);
    expect(after.width).toBeCloseTo(0.4);
  });

  it('keeps its shape by every handle when it is held to one', () => {
    const crop = shaped(WHOLE, 0.75);
    for (const across of [-1, 0, 1] as const) {
      for (const down of [-1, 0, 1] as const) {
        if (across === 0 && down === 0) continue;
        for (const by of [-0.4, -0.1, 0.2, 3]) {
          const after = resized(crop, { across, down }, { x: by, y: by }, 0.75);

          expect(after.width / after.height).toBeCloseTo(0.75);
          expect(Math.min(after.x, after.y)).toBeGreaterThanOrEqual(0);
          expect(after.x + after.width).toBeLessThanOrEqual(1.000001);
          expect(after.y + after.height).toBeLessThanOrEqual(1.000001);
        }
      }
    }
  });

  it('is none where it is everything', () => {
    expect(settled({ x: 0, y: 0, width: 0.9999, height: 1 })).toBeNull();
    expect(settled({ x: 0.1, y: 0, width: 0.9, height: 1 })).not.toBeNull();
  });

  it('comes back after four quarter turns, mirrored or not', () => {
    for (const mirror of [false, true]) {
      const before = full({ mirror, crop: { x: 0.1, y: 0.2, width: 0.3, height: 0.4 } });
      const after = turnedOnce(turnedOnce(turnedOnce(turnedOnce(before))));

      expect(after).toEqual(before);
    }
  });
});

describe('a change of a photo', () => {
  it('holds the crop to the shape that was chosen, also when the photo is turned', () => {
    const change = new Change(PLAIN, LANDSCAPE);
    change.shapeTo('4:5');
    const { crop } = change;
    expect((crop.width * 4000) / (crop.height * 3000)).toBeCloseTo(0.8, 4);

    change.turn();
    expect((change.crop.width * 3000) / (change.crop.height * 4000)).toBeCloseTo(0.8, 4);
  });

  it('takes back a whole drag at once, and everything step by step', () => {
    const change = new Change(PLAIN, LANDSCAPE);
    for (const value of [0.1, 0.2, 0.3]) change.set({ warmth: value }, 'warmth');
    change.settle();
    change.set({ warmth: 0.5 }, 'warmth');
    change.mirror();

    change.undo();
    expect(change.recipe).toMatchObject({ mirror: false, warmth: 0.5 });
    change.undo();
    expect(change.recipe.warmth).toBe(0.3);
    change.undo();
    expect(change.recipe).toEqual(PLAIN);
    expect(change.mayUndo).toBe(false);
  });

  it('can be reset, and the reset taken back', () => {
    const change = new Change(full({ look: 'ink', turn: 90 }), LANDSCAPE);
    change.reset();
    expect(change.isPlain).toBe(true);

    change.undo();
    expect(change.recipe).toMatchObject({ look: 'ink', turn: 90 });
  });

  it('knows the shape that an earlier edit gave the photo', () => {
    const crop = shaped(WHOLE, 3000 / 4000);
    expect(new Change(full({ crop }), LANDSCAPE).ratio).toBe('1:1');
    const free = { ...crop, width: crop.width * 0.93 };
    expect(new Change(full({ crop: free }), LANDSCAPE).ratio).toBe('free');
  });
});
