import {
  mirrored,
  settled,
  shaped,
  turned,
  turnedOnce,
  WHOLE,
  type Size,
} from '../../recipe/geometry';
import { isPlain, isSame, PLAIN, type Crop, type Recipe } from '../../recipe/recipe';

export type RatioName = 'original' | '1:1' | '4:5' | '16:9' | 'free';

export const RATIOS: readonly { name: RatioName; label: string; ratio: number | null }[] = [
  { name: 'original', label: 'Original', ratio: null },
  { name: '1:1', label: '1:1', ratio: 1 },
  { name: '4:5', label: '4:5', ratio: 4 / 5 },
  { name: '16:9', label: '16:9', ratio: 16 / 9 },
  { name: 'free', label: 'Free', ratio: null },
];

const MOST_STEPS = 100;

interface Step {
  recipe: Recipe;
  ratio: RatioName;
}

/** A recipe while it is being made: every change can be taken back. */
export class Change {
  #now = $state.raw<Step>({ recipe: PLAIN, ratio: 'original' });
  #past = $state.raw<readonly Step[]>([]);
  /** What the change under way belongs to: a slider that is dragged makes one step. */
  #gesture = '';
  readonly #source: Size;
  readonly #first: Recipe;

  constructor(recipe: Recipe, source: Size) {
    this.#first = recipe;
    this.#source = source;
    this.#now = { recipe, ratio: ratioOf(recipe, source) };
  }

  get recipe(): Recipe {
    return this.#now.recipe;
  }

  get ratio(): RatioName {
    return this.#now.ratio;
  }

  /** What is cut out of the turned picture, even when that is all of it. */
  get crop(): Crop {
    return this.recipe.crop ?? WHOLE;
  }

  /** `width / height` that the crop is held to, in shares of the turned picture; null for any. */
  get shape(): number | null {
    return shapeOf(this.ratio, this.recipe, this.#source);
  }

  get isPlain(): boolean {
    return isPlain(this.recipe);
  }

  get mayUndo(): boolean {
    return this.#past.length > 0;
  }

  /** Whether it differs from what it began with. */
  get isChanged(): boolean {
    return !isSame(this.recipe, this.#first);
  }

  set(part: Partial<Recipe>, gesture = ''): void {
    this.#to({ ...this.#now, recipe: { ...this.recipe, ...part } }, gesture);
  }

  cut(crop: Crop, gesture = ''): void {
    this.set({ crop: settled(crop) }, gesture);
  }

  /** Holds the crop to a shape. */
  shapeTo(ratio: RatioName): void {
    const shape = shapeOf(ratio, this.recipe, this.#source);
    const crop = shape === null ? this.recipe.crop : settled(shaped(this.crop, shape));
    this.#to({ ratio, recipe: { ...this.recipe, crop } });
  }

  turn(): void {
    const recipe = turnedOnce(this.recipe);
    const shape = shapeOf(this.ratio, recipe, this.#source);
    const crop = recipe.crop && shape !== null ? settled(shaped(recipe.crop, shape)) : recipe.crop;
    this.#to({ ...this.#now, recipe: { ...recipe, crop } });
  }

  mirror(): void {
    this.#to({ ...this.#now, recipe: mirrored(this.recipe) });
  }

  reset(): void {
    this.#to({ recipe: PLAIN, ratio: 'original' });
  }

  undo(): void {
    const last = this.#past.at(-1);
    if (!last) return;
    this.#now = last;
    this.#past = this.#past.slice(0, -1);
    this.#gesture = '';
  }

  /** Ends a gesture: what follows is a step of its own. */
  settle(): void {
    this.#gesture = '';
  }

  #to(step: Step, gesture = ''): void {
    const before = this.#now;
    if (isSame(step.recipe, before.recipe) && step.ratio === before.ratio) return;
    if (gesture === '' || gesture !== this.#gesture) {
      this.#past = [...this.#past, before].slice(-MOST_STEPS);
    }
    this.#gesture = gesture;
    this.#now = step;
  }
}

function shapeOf(name: RatioName, recipe: Recipe, source: Size): number | null {
  if (name === 'free') return null;
  if (name === 'original') return 1;
  const { width, height } = turned(source, recipe.turn);
  return ((RATIOS.find((each) => each.name === name)?.ratio ?? 1) * height) / width;
}

/** The name of the shape that a recipe already has. */
function ratioOf(recipe: Recipe, source: Size): RatioName {
  const { crop } = recipe;
  if (crop === null) return 'original';
  const fits = (name: RatioName): boolean => {
    const shape = shapeOf(name, recipe, source);
    return shape !== null && Math.abs(crop.width / crop.height / shape - 1) < 0.01;
  };
  return RATIOS.find(({ name }) => fits(name))?.name ?? 'free';
}
