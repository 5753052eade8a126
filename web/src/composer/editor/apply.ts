import { fromSource, toSource } from '../../recipe/geometry';
import { isSameFrame, type Recipe } from '../../recipe/recipe';
import { toasts } from '../../store/toasts.svelte';
import { draft, type DraftItem } from '../draft.svelte';
import { mayOpen } from './open';

/** Gives a photo its recipe, and with `shared` its look to every other photo of the post. */
export async function apply(item: DraftItem, recipe: Recipe, shared: boolean): Promise<void> {
  give(item, recipe);
  if (shared) await share(item, recipe);
}

async function share(item: DraftItem, { look, strength }: Recipe): Promise<void> {
  const left: string[] = [];
  for (const other of draft.items) {
    if (other === item || !other.mayEdit) continue;
    // Without its unedited picture here a photo could not be edited once more.
    if (await mayOpen(other)) give(other, { ...other.edit.recipe, look, strength });
    else left.push(other.task.file.name);
  }
  if (left.length > 0) {
    toasts.fail(`Not prepared yet, and left as it is: ${left.join(', ')}.`, () => {
      void share(item, { ...item.edit.recipe, look, strength });
    });
  }
}

function give(item: DraftItem, recipe: Recipe): void {
  const before = item.edit.recipe;
  if (item.focal && !isSameFrame(before, recipe)) {
    // What must stay in sight stays the same thing, unless it is not in the picture any more.
    const point = fromSource(recipe, toSource(before, item.focal));
    const inside = Math.min(point.x, point.y) >= 0 && Math.max(point.x, point.y) <= 1;
    item.focal = inside ? point : null;
  }
  item.edit.change(recipe);
  item.keep();
}
