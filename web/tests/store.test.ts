import { describe, expect, it, vi } from 'vitest';
import type { Page, Post } from '../src/api/types';
import { Problem } from '../src/api/problem';
import { entities } from '../src/store/entities.svelte';
import { PagedList } from '../src/store/list.svelte';
import { turn, type Switch } from '../src/store/optimistic';

const account = (id: string, handle: string) => ({
  id,
  handle,
  display_name: handle,
  avatar: null,
});

const post = (id: string, over: Partial<Post> = {}): Post => ({
  id,
  author: account('1', 'ada'),
  caption: 'dawn',
  state: 'published',
  created_at: '2026-01-01T00:00:00Z',
  edited_at: null,
  counts: { likes: 1, comments: 0 },
  viewer: { liked: false, saved: false },
  slides: [],
  ...over,
});

const busy = new Problem({ type: 'x', title: 'Busy', status: 503 });

function gate<T>() {
  let open!: (value: T) => void;
  let fail!: (error: unknown) => void;
  const promise = new Promise<T>((resolve, reject) => {
    open = resolve;
    fail = reject;
  });
  return { promise, open, fail };
}

describe('the entity store', () => {
  it('has each post once, so that every view sees a change', () => {
    const first = entities.post(post('10'));
    const second = entities.post(
      post('10', { caption: 'dusk', counts: { likes: 5, comments: 2 } }),
    );

    expect(second).toBe(first);
    expect(first.caption).toBe('dusk');
    expect(first.counts).toEqual({ likes: 5, comments: 2 });
  });

  it('gives posts and comments of one author the same person', () => {
    const one = entities.post(post('11'));
    const other = entities.post(post('12'));
    entities.person({ ...account('1', 'ada'), display_name: 'Ada O.' });

    expect(one.author).toBe(other.author);
    expect(one.author.display_name).toBe('Ada O.');
    expect(entities.byHandle('ADA')).toBe(one.author);
  });

  it('does not let an older answer undo a like that is under way', async () => {
    const known = entities.post(post('13'));
    const answer = gate<undefined>();
    const liking = turn('like:13', true, {
      apply: (on) => (known.viewer.liked = on),
      send: () => answer.promise,
      failed: () => undefined,
    });

    entities.post(post('13', { viewer: { liked: false, saved: false } }));
    expect(known.viewer.liked).toBe(true);

    answer.open(undefined);
    await liking;
  });
});

describe('an optimistic switch', () => {
  function setUp(send: (on: boolean) => Promise<string>) {
    const shown: boolean[] = [];
    const failed = vi.fn();
    const settle = vi.fn();
    const how: Switch<string> = { apply: (on) => shown.push(on), send, settle, failed };
    return { shown, failed, settle, how };
  }

  it('shows the state at once and settles with the answer', async () => {
    const { shown, settle, how } = setUp(() => Promise.resolve('ok'));

    const running = turn('a', true, how);
    expect(shown).toEqual([true]);
    await running;

    expect(settle).toHaveBeenCalledWith('ok');
  });

  it('shows the state before when the server refuses', async () => {
    const { shown, failed, how } = setUp(() => Promise.reject(busy));

    await turn('b', true, how);

    expect(shown).toEqual([true, false]);
    expect(failed).toHaveBeenCalledWith(busy, true);
  });

  it('folds quick taps: one request at a time, and the last tap wins', async () => {
    const gates = [gate<string>(), gate<string>()];
    const sent: boolean[] = [];
    const { settle, how } = setUp((on) => {
      sent.push(on);
      const current = gates[sent.length - 1];
      return current ? current.promise : Promise.reject(new Error('one request too many'));
    });

    const running = turn('c', true, how);
    void turn('c', false, how);
    void turn('c', true, how);
    void turn('c', false, how);
    expect(sent).toEqual([true]);
    gates[0]?.open('on');
    await vi.waitFor(() => expect(sent).toEqual([true, false]));
    gates[1]?.open('off');
    await running;

    expect(settle).toHaveBeenCalledExactlyOnceWith('off');
  });

  it('returns to what the server last confirmed, not to what was last shown', async () => {
    let calls = 0;
    const first = gate<string>();
    const { shown, how } = setUp(() => {
      calls += 1;
      return calls === 1 ? first.promise : Promise.reject(busy);
    });

    const running = turn('d', true, how);
    void turn('d', false, how);
    first.open('on');
    await running;

    expect(shown.at(-1)).toBe(true);
  });
});

describe('a paged list', () => {
  const items = (...ids: string[]) => ids.map((id) => ({ id }));
  const page = (ids: string[], next: string | null): Page<{ id: string }> => ({
    items: items(...ids),
    next_cursor: next,
  });

  it('reads page after page to the end, each item once', async () => {
    const pages = [page(['5', '4'], 'a'), page(['4', '3'], 'b'), page(['2'], null)];
    const cursors: (string | null)[] = [];
    const list = new PagedList((cursor) => {
      cursors.push(cursor);
      return Promise.resolve(pages[cursors.length - 1] ?? page([], null));
    });

    await list.more();
    await list.more();
    await list.more();
    await list.more();

    expect(list.items).toEqual(items('5', '4', '3', '2'));
    expect(cursors).toEqual([null, 'a', 'b']);
    expect(list.state).toBe('end');
  });

  it('keeps what it has when a read fails, and goes on from there', async () => {
    let fail = false;
    const list = new PagedList((cursor) =>
      fail
        ? Promise.reject(busy)
        : Promise.resolve(cursor === null ? page(['2'], 'a') : page(['1'], null)),
    );
    await list.more();

    fail = true;
    await list.more();
    expect(list).toMatchObject({ state: 'failed', status: 503, items: items('2') });

    fail = false;
    await list.more();
    expect(list.items).toEqual(items('2', '1'));
  });

  it('has one read under way at a time', async () => {
    const answer = gate<Page<{ id: string }>>();
    const read = vi.fn(() => answer.promise);
    const list = new PagedList(read);

    const first = list.more();
    void list.more();
    answer.open(page(['1'], null));
    await first;

    expect(read).toHaveBeenCalledTimes(1);
  });

  it('drops the answer of a read that a reload overtook', async () => {
    const slow = gate<Page<{ id: string }>>();
    const answers = [slow.promise, Promise.resolve(page(['9'], null))];
    const list = new PagedList(() => answers.shift() ?? Promise.resolve(page([], null)));

    const first = list.more();
    await list.reload();
    slow.open(page(['1'], null));
    await first;

    expect(list.items).toEqual(items('9'));
  });

  it('leaves out what was deleted here', async () => {
    entities.forget('77');
    const list = new PagedList(() => Promise.resolve(page(['78', '77'], null)));

    await list.more();

    expect(list.items).toEqual(items('78'));
  });
});
