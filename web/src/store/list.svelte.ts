import { isAbort } from '../api/client';
import { Problem, reasonOf } from '../api/problem';
import type { Page } from '../api/types';
import { entities } from './entities.svelte';

export type ListState = 'fresh' | 'loading' | 'ready' | 'failed' | 'end';

interface Item {
  id: string;
}

type Read<T extends Item> = (cursor: string | null, signal: AbortSignal) => Promise<Page<T>>;

/** A list read page by page. Items are unique by id; one read is under way at a time. */
export class PagedList<T extends Item> {
  items = $state.raw<T[]>([]);
  state = $state<ListState>('fresh');
  reason = $state('');
  status = $state(0);
  /** Heights of the rows that were drawn, by id, so that a row can be left out without a jump. */
  readonly heights = new Map<string, number>();
  /** When the first page was read last. */
  readAt = 0;

  #cursor: string | null = null;
  #running: AbortController | null = null;
  readonly #read: Read<T>;

  constructor(read: Read<T>) {
    this.#read = read;
  }

  /** Starts with a page that came with the document. */
  seed(page: Page<T>): void {
    this.#take(page, true);
  }

  /** Reads on, unless a read is under way or the end is reached. */
  async more(): Promise<void> {
    if (this.state === 'loading' || this.state === 'end') return;
    await this.#run(this.#cursor, false);
  }

  /** Reads from the start; what is shown stays until the answer is there. */
  async reload(): Promise<void> {
    this.#running?.abort();
    await this.#run(null, true);
  }

  prepend(item: T): void {
    this.items = [item, ...this.items.filter((other) => other.id !== item.id)];
  }

  append(item: T): void {
    this.items = [...this.items.filter((other) => other.id !== item.id), item];
  }

  remove(id: string): void {
    this.items = this.items.filter((item) => item.id !== id);
  }

  async #run(cursor: string | null, fromStart: boolean): Promise<void> {
    const running = new AbortController();
    this.#running = running;
    this.state = 'loading';
    try {
      const page = await this.#read(cursor, running.signal);
      if (this.#running === running) this.#take(page, fromStart);
    } catch (error) {
      if (this.#running !== running || isAbort(error)) return;
      this.reason = reasonOf(error);
      this.status = error instanceof Problem ? error.status : 0;
      this.state = 'failed';
    } finally {
      if (this.#running === running) this.#running = null;
    }
  }

  #take(page: Page<T>, fromStart: boolean): void {
    const seen = new Set(fromStart ? [] : this.items.map((item) => item.id));
    const news = page.items.filter((item) => {
      if (seen.has(item.id) || entities.isGone(item.id)) return false;
      seen.add(item.id);
      return true;
    });
    this.items = fromStart ? news : [...this.items, ...news];
    if (fromStart || this.readAt === 0) this.readAt = Date.now();
    this.#cursor = page.next_cursor;
    this.state = page.next_cursor === null ? 'end' : 'ready';
  }
}

const KEPT = 24;
const lists = new Map<string, PagedList<Item>>();

/** The list of that name: the one read before, where it is still kept. */
export function listOf<T extends Item>(name: string, read: Read<T>): PagedList<T> {
  const known = lists.get(name) as PagedList<T> | undefined;
  const list = known ?? new PagedList<T>(read);
  lists.delete(name);
  lists.set(name, list);
  if (lists.size > KEPT) {
    const oldest = lists.keys().next();
    if (!oldest.done) lists.delete(oldest.value);
  }
  return list;
}

/** The kept list of that name, if any, to add to or take from. */
export function keptList<T extends Item>(name: string): PagedList<T> | undefined {
  return lists.get(name) as PagedList<T> | undefined;
}

/** Takes an id out of every kept list. */
export function removeEverywhere(id: string): void {
  for (const list of lists.values()) list.remove(id);
}

/** Lets go of the lists whose name begins so: they are read anew when shown again. */
export function dropLists(prefix: string): void {
  for (const name of [...lists.keys()]) if (name.startsWith(prefix)) lists.delete(name);
}

/** Maps the items of a page, keeping its cursor. */
export function mapPage<T, U>(page: Page<T>, one: (item: T) => U): Page<U> {
  return { items: page.items.map(one), next_cursor: page.next_cursor };
}
