import { readInstance, readMe, signOut } from '../api/accounts';
import { whenSignedOut } from '../api/client';
import { Problem } from '../api/problem';
import type { Account, Boot, Instance } from '../api/types';
import { tellSeen } from '../feed/seen.svelte';
import { entities, type Person } from '../store/entities.svelte';
import { seedFeed } from '../store/lists';
import { clearShelf } from '../upload/shelf';

/** Who is looking, and at which instance. */
class Session {
  viewer = $state<Person | null>(null);
  instance = $state.raw<Instance | null>(null);
  unread = $state(0);

  /** Takes what the document brought, or asks the server. Rejects when it cannot be reached. */
  async start(boot: Boot | null): Promise<void> {
    if (boot) {
      this.instance = boot.instance;
      if (boot.viewer) this.enter(boot.viewer);
      if (boot.viewer && boot.feed) seedFeed(boot.feed);
    } else {
      const [instance, viewer] = await Promise.all([readInstance(), readViewer()]);
      this.instance = instance;
      if (viewer) this.enter(viewer);
    }
    whenSignedOut(() => this.#expire());
  }

  enter(account: Account): void {
    this.viewer = entities.person(account);
  }

  /** Leaves for good: nothing of this session stays in memory. */
  async leave(): Promise<void> {
    await tellSeen();
    await signOut();
    await this.forget();
    location.assign('/');
  }

  /** Clears what this browser keeps of the account. */
  async forget(): Promise<void> {
    await clearShelf();
    for (const name of ['tintype.recents', 'tintype.pending']) localStorage.removeItem(name);
    sessionStorage.clear();
  }

  #expire(): void {
    if (!this.viewer) return;
    this.viewer = null;
    location.assign(`/signin?next=${encodeURIComponent(location.pathname)}`);
  }
}

async function readViewer(): Promise<Account | null> {
  try {
    return await readMe();
  } catch (error) {
    if (error instanceof Problem && error.status === 401) return null;
    throw error;
  }
}

export const session = new Session();
