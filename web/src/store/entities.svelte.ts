import { SvelteMap } from 'svelte/reactivity';
import type { Account, AccountShort, Comment, Post } from '../api/types';
import { isRunning } from './optimistic';

/** An account as far as it is known: always its name, the rest once its profile was read. */
export type Person = AccountShort & Partial<Omit<Account, keyof AccountShort>>;

function reactive<T extends object>(value: T): T {
  const state = $state(value);
  return state;
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Copies what differs from `incoming` into `known`, one level into its plain parts. */
export function merge<T extends object>(known: T, incoming: Partial<T>): void {
  for (const key of Object.keys(incoming) as (keyof T)[]) {
    const value = incoming[key];
    const before = known[key];
    if (value === undefined) continue;
    if (isPlain(before) && isPlain(value)) Object.assign(before, value);
    else if (Array.isArray(value)) {
      if (JSON.stringify(before) !== JSON.stringify(value)) known[key] = value as T[keyof T];
    } else if (before !== value) known[key] = value;
  }
}

/**
 * Every account, post and comment the client knows, each once, so that all views agree.
 * What a method returns is the shared, reactive object.
 */
class Entities {
  readonly #people = new Map<string, Person>();
  readonly #posts = new Map<string, Post>();
  readonly #comments = new Map<string, Comment>();
  readonly #byHandle = new SvelteMap<string, string>();
  /** Posts and comments deleted here, which a list read before may still carry. */
  readonly #gone = new Set<string>();

  person(incoming: Person): Person {
    const known = this.#people.get(incoming.id);
    this.#byHandle.set(incoming.handle.toLowerCase(), incoming.id);
    if (!known) {
      const person = reactive({ ...incoming });
      this.#people.set(incoming.id, person);
      return person;
    }
    const { relation, counts, ...rest } = incoming;
    merge(known, rest as Partial<Person>);
    if (!isRunning(`follow:${incoming.id}`)) {
      if (relation !== undefined) known.relation = relation && { ...relation };
      if (counts !== undefined) known.counts = { ...counts };
    }
    return known;
  }

  knownPerson(id: string): Person | undefined {
    return this.#people.get(id);
  }

  byHandle(handle: string): Person | undefined {
    const id = this.#byHandle.get(handle.toLowerCase());
    return id === undefined ? undefined : this.#people.get(id);
  }

  post(incoming: Post): Post {
    const author = this.person(incoming.author);
    const known = this.#posts.get(incoming.id);
    if (!known) {
      const post = reactive({ ...incoming, author });
      this.#posts.set(incoming.id, post);
      return post;
    }
    const { author: _, viewer, counts, ...rest } = incoming;
    merge(known, rest);
    if (!isRunning(`like:${incoming.id}`) && !isRunning(`save:${incoming.id}`)) {
      merge(known, { viewer, counts });
    }
    return known;
  }

  knownPost(id: string): Post | undefined {
    return this.#posts.get(id);
  }

  comment(incoming: Comment): Comment {
    const author = this.person(incoming.author);
    const known = this.#comments.get(incoming.id);
    if (!known) {
      const comment = reactive({ ...incoming, author });
      this.#comments.set(incoming.id, comment);
      return comment;
    }
    const { author: _, ...rest } = incoming;
    if (!isRunning(`comment-like:${incoming.id}`)) merge(known, rest);
    return known;
  }

  /** Takes an id out of every list that is read from now on. */
  forget(id: string): void {
    this.#gone.add(id);
    this.#posts.delete(id);
    this.#comments.delete(id);
  }

  isGone(id: string): boolean {
    return this.#gone.has(id);
  }

  /** Undoes forget for something that turned out to stay. */
  recall(id: string): void {
    this.#gone.delete(id);
  }
}

export const entities = new Entities();
