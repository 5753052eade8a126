import { isPassing } from '../api/client';
import { reasonOf } from '../api/problem';
import { putRecipe } from '../api/uploads';
import type { Shape } from '../feed/pending.svelte';
import {
  full,
  isPlain,
  isSame,
  PLAIN,
  sparse,
  type Recipe,
  type SparseRecipe,
} from '../recipe/recipe';
import { pauseAfter } from '../upload/machine';
import type { UploadTask } from '../upload/task.svelte';

/** Together less than a minute: then its person is told, and asked to try again. */
const MOST_TRIES = 6;

/** What is done to one photo of the post being made; the server is told as soon as it can be. */
export class PhotoEdit {
  recipe = $state.raw<Recipe>(PLAIN);
  /** The edited photo in small, to show in its place; null while there is none. */
  picture = $state.raw<string | null>(null);
  /** The edited photo's size, where it is known. */
  shape = $state.raw<Shape | null>(null);
  /** Why the server has not taken the recipe yet; empty while nothing is wrong. */
  reason = $state('');
  /** Whether it is tried again without anybody asking. */
  trying = $state(false);
  /** The unedited picture, where the browser cannot decode the file itself. */
  base: Blob | null = null;

  readonly #task: UploadTask;
  /** Whether the server may hold an edit, so that undoing it has to be told as well. */
  #told = false;
  #known = '';
  #settling: Promise<void> | null = null;
  #drawing = 0;
  #released = false;

  constructor(task: UploadTask) {
    this.#task = task;
  }

  get isPlain(): boolean {
    return isPlain(this.recipe);
  }

  /** What a reload has to know: an empty recipe where an edit was undone. */
  get kept(): SparseRecipe | null {
    return this.isPlain && !this.#told ? null : sparse(this.recipe);
  }

  /** Takes up what an earlier page load, or the server, has kept, and tells the server again. */
  restore(recipe: SparseRecipe | null | undefined, base: Blob | null | undefined): void {
    this.base = base ?? this.base;
    if (!recipe) return;
    this.#told = true;
    if (isPlain(full(recipe))) this.send();
    else this.change(full(recipe));
  }

  /** Replaces the recipe, and tells the server. */
  change(recipe: Recipe): void {
    if (isSame(recipe, this.recipe)) return;
    this.recipe = recipe;
    void this.#draw();
    this.send();
  }

  /** Has the server told in the background; whether that went well can be seen. */
  send(): void {
    this.settle().catch(() => undefined);
  }

  /** Resolves once the server has the recipe; rejects with why it does not. */
  settle(): Promise<void> {
    this.#settling ??= this.#tell().finally(() => {
      this.#settling = null;
      this.trying = false;
    });
    return this.#settling;
  }

  release(): void {
    this.#released = true;
    if (this.picture !== null) URL.revokeObjectURL(this.picture);
    this.picture = null;
  }

  async #tell(): Promise<void> {
    for (let failures = 0; !this.#released;) {
      if (this.isPlain && !this.#told) return;
      const id = await this.#task.id();
      const wanted = sparse(this.recipe);
      const mark = `${id} ${JSON.stringify(wanted)}`;
      if (mark === this.#known) return;
      this.#told = true;
      try {
        await putRecipe(id, wanted);
        this.#known = mark;
        this.reason = '';
      } catch (error) {
        this.reason = reasonOf(error);
        failures += 1;
        if (!isPassing(error) || failures === MOST_TRIES) throw error;
        this.trying = true;
        await new Promise((resolve) => window.setTimeout(resolve, pauseAfter(failures)));
      }
    }
  }

  /** Draws the edited photo; of two drawings under way the later one counts. */
  async #draw(): Promise<void> {
    const drawing = (this.#drawing += 1);
    let drawn: { url: string; shape: Shape } | null = null;
    if (!this.isPlain) {
      try {
        const { stillOf } = await import('./editor/still');
        drawn = await stillOf(this.base ?? this.#task.file, this.recipe);
      } catch {
        // The photo is then shown as it came; what the server makes of it is not touched by that.
      }
    }
    if (drawing !== this.#drawing || this.#released) {
      if (drawn) URL.revokeObjectURL(drawn.url);
      return;
    }
    if (this.picture !== null) URL.revokeObjectURL(this.picture);
    this.picture = drawn?.url ?? null;
    this.shape = drawn?.shape ?? null;
  }
}
