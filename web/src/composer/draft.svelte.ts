import { newKey } from '../api/client';
import { createPost } from '../api/posts';
import type { FocalPoint, PostDraft } from '../api/types';
import { readLimits } from '../api/uploads';
import { pending, type Shape } from '../feed/pending.svelte';
import type { SparseRecipe } from '../recipe/recipe';
import { session } from '../session/session.svelte';
import { entities } from '../store/entities.svelte';
import { kindOf, limitsFrom, refusal } from '../upload/limits';
import type { Picked } from '../upload/picking';
import { sameBytes } from '../upload/same';
import { fileOf, shelve, shelved, unshelve, type Shelved } from '../upload/shelf';
import { UploadTask } from '../upload/task.svelte';
import { PhotoEdit } from './edit.svelte';
import { heicShape } from './heic';
import { mayMove } from './moving';

const CAPTION = 'tintype.caption';

function keptCaption(): string {
  try {
    return sessionStorage.getItem(CAPTION) ?? '';
  } catch {
    return '';
  }
}

/** One file of the post being made. */
export class DraftItem {
  alt = $state('');
  /** What must stay in sight when it is cropped. */
  focal = $state.raw<FocalPoint | null>(null);
  /** Whether others may download the original. */
  offered = $state(false);
  /** The moment of a video that its cover shows, in seconds; null where the server chooses. */
  cover = $state<number | null>(null);
  readonly local: string;
  readonly task: UploadTask;
  /** What is done to a photo. */
  readonly edit: PhotoEdit;
  readonly kind: 'photo' | 'video';
  readonly url: string;
  order = 0;
  /** Its size as the browser decodes it, once a preview has, or as its head tells. */
  shape: Shape | null = null;
  #moves = $state(false);
  #post: string | null = null;
  #arrived = false;

  constructor(file: File, local: string = newKey()) {
    this.local = local;
    this.task = new UploadTask(file);
    this.edit = new PhotoEdit(this.task);
    this.kind = kindOf(this.task.type);
    this.url = URL.createObjectURL(file);
    if (/hei[cf]$/.test(this.task.type)) {
      // A file that cannot be read fails where it is sent.
      heicShape(file).then(
        (shape) => (this.shape ??= shape),
        () => undefined,
      );
    }
    if (this.kind === 'photo') {
      mayMove(file).then(
        (moves) => (this.#moves = moves),
        () => undefined,
      );
    }
    this.task.onCreated = () => {
      this.keep();
      this.edit.send();
    };
    this.task.onArrived = () => {
      this.#arrived = true;
      this.#settle();
    };
  }

  /** Whether it is a photo that stands still: only those can be edited. */
  get mayEdit(): boolean {
    return this.kind === 'photo' && !(this.task.slide?.animated ?? this.#moves);
  }

  /** Writes this item down, so that a reload finds it. */
  keep(): void {
    const account = session.viewer?.id;
    if (account === undefined) return;
    const { local, alt, order, cover } = this;
    const { file, transfer } = this.task;
    const { base, kept: recipe } = this.edit;
    void shelve({
      ...{ local, account, file, upload: transfer.id, alt, order, cover, base, recipe },
      post: this.#post,
    });
  }

  /** The item now belongs to a post, and is kept only until its bytes are there. */
  belongTo(post: string): void {
    this.#post = post;
    if (this.#arrived) this.#settle();
    else this.keep();
  }

  /** Lets go of what the page holds for it. */
  release(): void {
    URL.revokeObjectURL(this.url);
    this.edit.release();
  }

  #settle(): void {
    if (this.#post !== null && this.#arrived) void unshelve(this.local);
  }
}

/** The post being made. It outlives leaving the page, and mostly also a reload. */
class Draft {
  items = $state.raw<DraftItem[]>([]);
  #caption = $state(keptCaption());
  /** Files that were not taken, and why. */
  refusals = $state.raw<string[]>([]);
  /** Whether others may comment on it. */
  talks = $state(true);
  limits = $state.raw(limitsFrom(session.instance?.limits));
  /** A failed post that goes when this one is shared. */
  replaces: string | null = null;

  #restored = false;
  #attempt = { body: '', key: '' };

  get caption(): string {
    return this.#caption;
  }

  set caption(caption: string) {
    this.#caption = caption;
    try {
      if (caption) sessionStorage.setItem(CAPTION, caption);
      else sessionStorage.removeItem(CAPTION);
    } catch {
      // Then the words last until the page is closed.
    }
  }

  /** Reads the limits, and what an earlier page load left. */
  async open(): Promise<void> {
    if (this.#restored) return;
    this.#restored = true;
    readLimits().then(
      (limits) => (this.limits = limitsFrom(limits)),
      () => undefined,
    );
    const account = session.viewer?.id;
    if (account === undefined) return;
    const left = (await shelved(account)).filter((item) => item.post === null);
    const restored: DraftItem[] = [];
    for (const kept of left) {
      // Those whose person must be asked first are offered among the unfinished ones.
      const file = await fileOf(kept);
      if (file) restored.push(begun(file, kept, kept.local));
    }
    this.#put([...restored, ...this.items]);
  }

  /** Takes what can be taken, and says of each of the others why not. */
  async add({ files, folders }: Picked): Promise<void> {
    const refusals = folders.map((name) => `${name} is a folder. Choose the files inside it.`);
    const extra: string[] = [];
    const taken: File[] = [];
    for (const file of files) {
      const reason = refusal(file, this.limits);
      if (reason !== null) refusals.push(reason);
      else if (await this.#holds(file, taken))
        refusals.push(`${file.name} is in this post already.`);
      else if (this.items.length + taken.length >= this.limits.slides) extra.push(file.name);
      else taken.push(file);
    }
    if (extra.length > 0) refusals.push(tooMany(extra, this.limits.slides));
    this.refusals = refusals;
    const items = taken.map((file) => new DraftItem(file));
    this.#put([...this.items, ...items]);
    for (const item of items) {
      item.keep();
      item.task.begin();
    }
  }

  /** Goes on with an upload that was begun elsewhere or earlier. */
  adopt(file: File, upload: string, kept: Kept | null = null): void {
    const item = begun(file, { alt: '', ...kept, upload }, newKey());
    this.#put([...this.items, item]);
    for (const item of this.items) item.keep();
  }

  async #holds(file: File, taken: readonly File[]): Promise<boolean> {
    for (const other of [...this.items.map((item) => item.task.file), ...taken]) {
      if (await sameBytes(file, other)) return true;
    }
    return false;
  }

  remove(item: DraftItem): void {
    item.task.drop();
    item.release();
    void unshelve(item.local);
    this.#put(this.items.filter((other) => other !== item));
  }

  /** Another file in the same place, with the same description. */
  replace(item: DraftItem, file: File): void {
    const reason = refusal(file, this.limits);
    if (reason !== null) {
      this.refusals = [reason];
      return;
    }
    const fresh = new DraftItem(file);
    fresh.alt = item.alt;
    const items = this.items.map((other) => (other === item ? fresh : other));
    this.remove(item);
    this.#put(items);
    fresh.keep();
    fresh.task.begin();
  }

  move(from: number, to: number): void {
    if (from === to || to < 0 || to >= this.items.length) return;
    const items = [...this.items];
    items.splice(to, 0, ...items.splice(from, 1));
    this.#put(items);
    for (const item of items) item.keep();
  }

  discard(): void {
    for (const item of this.items) this.remove(item);
    this.caption = '';
    this.refusals = [];
    this.replaces = null;
    this.talks = true;
  }

  /** Lets the failed files go, so that the others need not wait for them. */
  removeFailed(): void {
    for (const item of this.items) if (item.task.transfer.phase === 'failed') this.remove(item);
  }

  /**
   * Creates the post; its files may still be on their way, and carry on. Rejects with what the
   * server has against it, and then nothing changed.
   */
  async publish(): Promise<void> {
    const items = this.items;
    await Promise.all(items.map((item) => item.edit.settle()));
    const slides = await Promise.all(
      items.map(async (item) => ({
        upload_id: await item.task.id(),
        ...(item.alt.trim() && { alt: item.alt.trim() }),
        ...(item.focal && { focal: item.focal }),
        ...(item.offered && { original: true }),
        ...(item.cover !== null && { poster_at: item.cover }),
      })),
    );
    const body: PostDraft = {
      caption: this.caption.trim(),
      slides,
      ...(!this.talks && { comments_enabled: false }),
    };
    const post = entities.post((await createPost(body, this.#keyFor(body))).post);
    for (const item of items) item.belongTo(post.id);
    const [first, ...rest] = items;
    for (const item of rest) item.release();
    if (first?.edit.picture) URL.revokeObjectURL(first.url);
    pending.add({
      id: post.id,
      post,
      tasks: items.map((item) => item.task),
      preview: first ? { url: first.edit.picture ?? first.url, kind: first.kind } : null,
      shape: first ? (first.edit.shape ?? first.task.slide ?? first.shape) : null,
    });
    if (this.replaces !== null) void pending.replaced(this.replaces);
    this.items = [];
    this.caption = '';
    this.refusals = [];
    this.replaces = null;
    this.talks = true;
  }

  /** The same attempt keeps its key, so that sending it twice makes one post. */
  #keyFor(body: PostDraft): string {
    const text = JSON.stringify(body);
    if (this.#attempt.body !== text) this.#attempt = { body: text, key: newKey() };
    return this.#attempt.key;
  }

  #put(items: DraftItem[]): void {
    for (const [index, item] of items.entries()) item.order = index;
    this.items = items;
  }
}

/** What is known of a file that was picked before. */
type Kept = Partial<Pick<Shelved, 'alt' | 'upload' | 'base' | 'cover'>> & {
  recipe?: SparseRecipe | null;
};

function begun(file: File, kept: Kept, local: string): DraftItem {
  const item = new DraftItem(file, local);
  item.alt = kept.alt ?? '';
  item.cover = kept.cover ?? null;
  item.task.begin(kept.upload ?? null);
  item.edit.restore(kept.recipe, kept.base);
  return item;
}

const MOST_NAMED = 3;

function tooMany(names: readonly string[], most: number): string {
  const more = names.length - MOST_NAMED;
  const named = names.slice(0, MOST_NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '');
  return `A post has room for ${most} files; these were left out: ${named}.`;
}

export const draft = new Draft();
