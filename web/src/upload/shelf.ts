import type { SparseRecipe } from '../recipe/recipe';
import { handleOf, reopened } from './handles';

/** Files on their way, kept in the browser so that a reload does not lose them. */
export interface Shelved {
  local: string;
  /** Whose file it is: another account on this browser never sees it. */
  account: string;
  /** A copy, unless the file is so large that only where it lies is kept. */
  file: File | null;
  handle: FileSystemFileHandle | null;
  upload: string | null;
  alt: string;
  order: number;
  /** What is done to a photo, if anything. */
  recipe?: SparseRecipe | null;
  /** The unedited picture, where the browser cannot decode the file itself. */
  base?: Blob | null;
  /** The moment of a video that its cover shows, in seconds; null where the server chooses. */
  cover?: number | null;
  /** The post that waits for this file; null while it is only a draft. */
  post: string | null;
}

const NAME = 'tintype';
const TABLE = 'uploads';
const FLAG = 'tintype.uploads';
/** Larger files are not copied into the browser's storage: it would be full soon. */
const LARGEST = 512_000_000;

let opened: Promise<IDBDatabase> | null = null;

function open(): Promise<IDBDatabase> {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(TABLE, { keyPath: 'local' });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(new Error('The browser storage cannot be opened.'));
  });
  return opened;
}

async function run<T>(mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest<T>) {
  const database = await open();
  return new Promise<T>((resolve, reject) => {
    const request = act(database.transaction(TABLE, mode).objectStore(TABLE));
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(new Error('The browser storage refused.'));
  });
}

/** Whether the shelf may hold something, without opening it. */
export function mayHold(): boolean {
  try {
    return localStorage.getItem(FLAG) !== null;
  } catch {
    return false;
  }
}

/**
 * Keeps or updates one: a copy of a file, or of a large one where it lies. A browser that forbids
 * it, has no room or does not tell where files lie simply does not keep it: what arrived of it is
 * then gone on with when the same file is picked again.
 */
export async function shelve(wanted: Omit<Shelved, 'handle'> & { file: File }): Promise<void> {
  const handle = handleOf(wanted.file);
  const large = wanted.file.size > LARGEST;
  if (large && handle === null) return;
  const item: Shelved = { ...wanted, handle, file: large ? null : wanted.file };
  try {
    await run('readwrite', (store) => store.put(item));
    localStorage.setItem(FLAG, '1');
  } catch {
    // The upload goes on; only a reload would lose it.
  }
}

export async function unshelve(local: string): Promise<void> {
  try {
    await run('readwrite', (store) => store.delete(local));
    const left = await run('readonly', (store) => store.count());
    if (left === 0) localStorage.removeItem(FLAG);
  } catch {
    // Nothing was kept, then.
  }
}

/** What is kept for an account, in order. */
export async function shelved(account: string): Promise<Shelved[]> {
  try {
    const all = await run<Shelved[]>(
      'readonly',
      (store) => store.getAll() as IDBRequest<Shelved[]>,
    );
    return all
      .filter((item) => item.account === account)
      .sort((one, other) => one.order - other.order);
  } catch {
    return [];
  }
}

/** The file of a kept item; null when it is gone, or when its person must be asked first. */
export const fileOf = async (item: Shelved, ask = false): Promise<File | null> =>
  item.file ?? (item.handle && (await reopened(item.handle, ask)));

/** Forgets everything, for whoever uses this browser next. */
export async function clearShelf(): Promise<void> {
  if (!mayHold()) return;
  try {
    await run('readwrite', (store) => store.clear());
    localStorage.removeItem(FLAG);
  } catch {
    // Nothing was kept, then.
  }
}
