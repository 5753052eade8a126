import { afterEach, describe, expect, test, vi } from 'vitest';

import { PhotoEdit } from '../src/composer/edit.svelte';
import { PLAIN } from '../src/recipe/recipe';
import type { UploadTask } from '../src/upload/task.svelte';

const sent: unknown[] = [];

vi.mock('../src/api/uploads', () => ({
  putRecipe: (_id: string, recipe: unknown) => {
    sent.push(recipe);
    return Promise.resolve();
  },
}));

function edit(): PhotoEdit {
  const task: unknown = { id: () => Promise.resolve('1'), file: new File([], 'a.jpg') };
  return new PhotoEdit(task as UploadTask);
}

afterEach(() => {
  sent.length = 0;
});

describe('an edit that is undone', () => {
  test('is told, and kept as undone for the next page load', async () => {
    const first = edit();
    first.change({ ...PLAIN, mirror: true });
    await first.settle();
    first.change(PLAIN);

    expect(first.kept).toEqual({});
    await first.settle();
    expect(sent).toEqual([{ mirror: true }, {}]);
  });

  test('is told once more by the page that finds it', async () => {
    const again = edit();
    again.restore({}, null);
    await again.settle();

    expect(sent).toEqual([{}]);
    expect(again.isPlain).toBe(true);
  });
});

test('a photo that was never edited is neither told nor kept as edited', async () => {
  const untouched = edit();
  untouched.restore(null, null);
  await untouched.settle();

  expect(sent).toEqual([]);
  expect(untouched.kept).toBeNull();
});

test('an edit is told again by the page that finds it', async () => {
  const again = edit();
  again.restore({ turn: 90 }, null);
  await again.settle();

  expect(sent).toEqual([{ turn: 90 }]);
  expect(again.kept).toEqual({ turn: 90 });
});
