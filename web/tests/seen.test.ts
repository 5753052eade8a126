import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { FeedPage } from '../src/api/types';
import { looks, noteMarker, tellSeen, visit } from '../src/feed/seen.svelte';
import { whyText } from '../src/post/why';

const page = (caught_up: string | null): FeedPage => ({
  items: [],
  next_cursor: null,
  tier: 'chronological',
  caught_up,
});

describe('the marker', () => {
  it('is the first one that a visit was given, until the feed begins anew', () => {
    noteMarker(page(null), true);
    noteMarker(page('7'), false);
    noteMarker(page('5'), false);
    expect(visit.caughtUp).toBe('7');

    noteMarker(page('9'), true);
    expect(visit.caughtUp).toBe('9');
    noteMarker(page(null), true);
    expect(visit.caughtUp).toBe('');
  });
});

describe('a look at a post', () => {
  let see: (part: number, height?: number) => void;
  const sent: string[] = [];

  beforeEach(() => {
    vi.useFakeTimers();
    sent.length = 0;
    vi.stubGlobal(
      'IntersectionObserver',
      class {
        constructor(hear: (entries: unknown[]) => void) {
          see = (part, height = 0) =>
            hear([
              { isIntersecting: part > 0, intersectionRatio: part, intersectionRect: { height } },
            ]);
        }
        observe() {}
        disconnect() {}
      },
    );
    vi.stubGlobal('fetch', (_: string, init: RequestInit) => {
      expect(init.keepalive).toBe(true);
      sent.push(...(JSON.parse(init.body as string) as { posts: string[] }).posts);
      return Promise.resolve(new Response(null, { status: 204 }));
    });
  });

  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it('counts once half of it was there for a second, and is told with others', async () => {
    looks('1')(document.createElement('div'));
    see(0.6);
    await vi.advanceTimersByTimeAsync(500);
    see(0.4);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(sent).toEqual([]);

    see(0.5);
    await vi.advanceTimersByTimeAsync(1_100);
    looks('2')(document.createElement('div'));
    see(0.1, window.innerHeight);
    await vi.advanceTimersByTimeAsync(1_100);
    expect(sent).toEqual([]);
    await vi.advanceTimersByTimeAsync(4_000);
    expect(sent).toEqual(['1', '2']);

    see(0);
    see(1);
    await vi.advanceTimersByTimeAsync(9_000);
    expect(sent).toEqual(['1', '2']);
  });

  it('is told at once when the page goes', async () => {
    looks('3')(document.createElement('div'));
    see(1);
    await vi.advanceTimersByTimeAsync(1_100);

    await tellSeen();

    expect(sent).toEqual(['3']);
  });
});

describe('the reason', () => {
  it('is a sentence for every value that is known, and nothing for others', () => {
    const author = { id: '1', handle: 'ada', display_name: 'Ada', avatar: null };
    for (const why of ['followed', 'celebrity', 'own', 'discovery', 'popular'] as const) {
      expect(whyText({ why, author })).toMatch(/\.$/);
    }
    expect(whyText({ author })).toBe('');
    expect(whyText({ why: 'other' as 'own', author })).toBe('');
  });
});
