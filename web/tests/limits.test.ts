import { describe, expect, it } from 'vitest';
import { byDay } from '../src/notifications/days';
import { ratioOf, sourcesOf } from '../src/post/sources';
import { bytes, shortTime } from '../src/text/format';
import { FALLBACK, limitsFrom, refusal, typeOf } from '../src/upload/limits';

const file = (name: string, type: string, size: number) => ({ name, type, size });

describe('a picked file', () => {
  it('is taken within the limits', () => {
    expect(refusal(file('a.jpg', 'image/jpeg', 8_388_608), FALLBACK)).toBeNull();
    expect(refusal(file('a.heic', '', 10), FALLBACK)).toBeNull();
  });

  it('is refused with a reason that names it', () => {
    expect(refusal(file('a.jpg', 'image/jpeg', 8_388_609), FALLBACK)).toContain('a.jpg');
    expect(refusal(file('b.txt', 'text/plain', 1), FALLBACK)).toContain('not supported');
    expect(refusal(file('c.png', 'image/png', 0), FALLBACK)).toContain('empty');
  });

  it('has its type from its extension where the browser knows none', () => {
    expect(typeOf(file('IMG_1.HEIC', '', 1))).toBe('image/heic');
    expect(typeOf(file('x', '', 1))).toBe('application/octet-stream');
  });

  it('obeys what the server says over what this client supposes', () => {
    expect(limitsFrom({ photo_bytes: 5 })).toMatchObject({ photo_bytes: 5, slides: 20 });
    expect(limitsFrom(undefined)).toEqual(FALLBACK);
  });
});

describe('the sources of a picture', () => {
  const rendition = (format: string, width: number) => ({
    format,
    width,
    height: width,
    url: `/${format}/${width}`,
  });

  it('offer newer formats first and fall back to the plainest', () => {
    const { sources, fallback, srcset } = sourcesOf({
      renditions: [rendition('jpeg', 1080), rendition('webp', 480), rendition('jpeg', 480)],
    });

    expect(sources).toEqual([{ type: 'image/webp', srcset: '/webp/480 480w' }]);
    expect(srcset).toBe('/jpeg/480 480w, /jpeg/1080 1080w');
    expect(fallback?.url).toBe('/jpeg/1080');
  });

  it('have no fallback where there is nothing to show', () => {
    expect(sourcesOf({ renditions: [] }).fallback).toBeUndefined();
  });

  it('share a box that is neither too tall nor too flat', () => {
    expect(ratioOf([{ width: 1000, height: 3000 }])).toBe(0.75);
    expect(ratioOf([{ width: 3000, height: 1000 }])).toBe(1.91);
    expect(ratioOf([])).toBe(1);
  });
});

describe('times', () => {
  const now = Date.parse('2026-06-15T12:00:00Z');

  it('are short when they are near, and dates when they are far', () => {
    expect(shortTime('2026-06-15T11:59:40Z', now)).toBe('now');
    expect(shortTime('2026-06-15T11:55:00Z', now)).toContain('5');
    expect(shortTime('2024-06-15T12:00:00Z', now)).toContain('2024');
  });

  it('group notifications by day without changing their order', () => {
    const at = (id: number, created_at: string) => ({ id, created_at });
    const groups = byDay(
      [
        at(3, new Date(now - 60_000).toISOString()),
        at(2, new Date(now - 26 * 3_600_000).toISOString()),
        at(1, new Date(now - 90 * 86_400_000).toISOString()),
      ],
      now,
    );

    expect(groups.map((group) => group.title)).toEqual(['Today', 'Yesterday', 'Earlier']);
    expect(groups.flatMap((group) => group.items.map((item) => item.id))).toEqual([3, 2, 1]);
  });
});

describe('sizes', () => {
  it('are counted in powers of 1024, so that a limit reads as it was set', () => {
    expect(bytes(FALLBACK.photo_bytes)).toMatch(/^8\sMB$/);
    expect(bytes(FALLBACK.video_bytes)).toMatch(/^4\sGB$/);
    expect(bytes(1536 * 1024)).toMatch(/^1\.5\sMB$/);
    expect(bytes(1023)).toMatch(/^1,023\sbytes$/);
  });
});
