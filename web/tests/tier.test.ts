import { mount, tick, unmount } from 'svelte';
import { afterEach, describe, expect, it, vi } from 'vitest';
import CatchingUp from '../src/feed/CatchingUp.svelte';
import { noticeOf, served } from '../src/feed/tier.svelte';
import { feedList, seedFeed } from '../src/store/lists';

const page = (tier: string) => ({ items: [], next_cursor: null, caught_up: null, tier });

describe('the notice above a feed', () => {
  let shown: ReturnType<typeof mount> | null = null;

  afterEach(async () => {
    if (shown) await unmount(shown);
    shown = null;
    served.tier = '';
    vi.unstubAllGlobals();
  });

  it('is there for popular posts only', () => {
    expect(noticeOf('trending')).toBe('Showing popular posts while we catch up');
    expect(noticeOf('database')).toBe('');
    expect(noticeOf('chronological')).toBe('');
    expect(noticeOf('')).toBe('');
  });

  it('comes with the page that came with the document', () => {
    seedFeed(page('trending'));

    shown = mount(CatchingUp, { target: document.body });

    expect(document.querySelector('[role=status]')?.textContent).toContain('popular posts');
  });

  it('goes when the feed is back', async () => {
    seedFeed(page('trending'));
    shown = mount(CatchingUp, { target: document.body });
    const answer = new Response(JSON.stringify(page('chronological')), {
      headers: { 'content-type': 'application/json' },
    });
    vi.stubGlobal('fetch', () => Promise.resolve(answer));

    await feedList().reload();
    await tick();

    expect(document.querySelector('[role=status]')?.textContent).toBe('');
  });
});
