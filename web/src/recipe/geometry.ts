import type { Crop, Recipe, Turn } from './recipe';

/** The smallest part of a side that a crop may leave. */
const LEAST_SIDE = 0.05;

export const WHOLE: Readonly<Crop> = { x: 0, y: 0, width: 1, height: 1 };

export interface Size {
  width: number;
  height: number;
}

export interface Point {
  x: number;
  y: number;
}

type Frame = Pick<Recipe, 'turn' | 'mirror' | 'crop'>;

const within = (value: number, least: number, most: number): number =>
  Math.min(Math.max(value, least), Math.max(least, most));

const isOnItsSide = (turn: Turn): boolean => turn === 90 || turn === 270;

export const turned = ({ width, height }: Size, turn: Turn): Size =>
  isOnItsSide(turn) ? { width: height, height: width } : { width, height };

/** Left, top, width and height of a crop in a turned picture of this size; never outside it. */
export function pixelsOf(crop: Crop, { width, height }: Size): Crop {
  const x = Math.min(Math.round(crop.x * width), width - 1);
  const y = Math.min(Math.round(crop.y * height), height - 1);
  return {
    x,
    y,
    width: Math.max(1, Math.min(Math.round(crop.width * width), width - x)),
    height: Math.max(1, Math.min(Math.round(crop.height * height), height - y)),
  };
}

/** The size of a photo after a recipe. */
export function sizeAfter(recipe: Frame, source: Size): Size {
  const size = turned(source, recipe.turn);
  if (recipe.crop === null) return size;
  const { width, height } = pixelsOf(recipe.crop, size);
  return { width, height };
}

/** Where a point of the edited picture lies in the source; both in shares. */
export function toSource({ turn, mirror, crop }: Frame, { x, y }: Point): Point {
  const part = crop ?? WHOLE;
  const across = part.x + x * part.width;
  const left = mirror ? 1 - across : across;
  const top = part.y + y * part.height;
  switch (turn) {
    case 0:
      return { x: left, y: top };
    case 90:
      return { x: top, y: 1 - left };
    case 180:
      return { x: 1 - left, y: 1 - top };
    case 270:
      return { x: 1 - top, y: left };
  }
}

/** Where a point of the source lies in the edited picture, which it may be outside of. */
export function fromSource({ turn, mirror, crop }: Frame, { x, y }: Point): Point {
  const part = crop ?? WHOLE;
  const [left, top] = { 0: [x, y], 90: [1 - y, x], 180: [1 - x, 1 - y], 270: [y, 1 - x] }[turn] as [
    number,
    number,
  ];
  const across = mirror ? 1 - left : left;
  return { x: (across - part.x) / part.width, y: (top - part.y) / part.height };
}

/** The picture that is seen, turned clockwise by a quarter. */
export function turnedOnce<T extends Frame>(recipe: T): T {
  const { crop } = recipe;
  const turn = ((recipe.turn + (recipe.mirror ? 270 : 90)) % 360) as Turn;
  return {
    ...recipe,
    turn,
    crop: crop && {
      x: clean(1 - crop.y - crop.height),
      y: crop.x,
      width: crop.height,
      height: crop.width,
    },
  };
}

/** The picture that is seen, with left and right exchanged. */
export function mirrored<T extends Frame>(recipe: T): T {
  const { crop } = recipe;
  return {
    ...recipe,
    mirror: !recipe.mirror,
    crop: crop && { ...crop, x: clean(1 - crop.x - crop.width) },
  };
}

const clean = (share: number): number => within(Math.round(share * 1e6) / 1e6, 0, 1);

/** A crop that is all of the picture is none. */
export function settled(crop: Crop): Crop | null {
  const x = clean(crop.x);
  const y = clean(crop.y);
  const width = Math.min(Math.max(clean(crop.width), LEAST_SIDE), clean(1 - x));
  const height = Math.min(Math.max(clean(crop.height), LEAST_SIDE), clean(1 - y));
  return width > 0.9995 && height > 0.9995 ? null : { x, y, width, height };
}

export const moved = (crop: Crop, across: number, down: number): Crop => ({
  ...crop,
  x: within(crop.x + across, 0, 1 - crop.width),
  y: within(crop.y + down, 0, 1 - crop.height),
});

/** The largest part of this shape (`width / height`, in shares), about where the crop was. */
export function shaped(crop: Crop, shape: number): Crop {
  const width = Math.min(1, shape);
  const height = width / shape;
  return centred({ width, height }, crop.x + crop.width / 2, crop.y + crop.height / 2);
}

export function centred({ width, height }: Size, x: number, y: number): Crop {
  return moved({ x: 0, y: 0, width, height }, x - width / 2, y - height / 2);
}

/** Larger or smaller about its middle, in its own shape, as far as there is room. */
export function scaled(crop: Crop, factor: number): Crop {
  const most = Math.min(1 / crop.width, 1 / crop.height);
  const least = Math.max(LEAST_SIDE / crop.width, LEAST_SIDE / crop.height);
  const by = within(factor, Math.min(least, 1), most);
  const size = { width: crop.width * by, height: crop.height * by };
  return centred(size, crop.x + crop.width / 2, crop.y + crop.height / 2);
}

/** Which edges move: -1 the left or upper one, 1 the other one, 0 neither. */
export interface Handle {
  across: -1 | 0 | 1;
  down: -1 | 0 | 1;
}

/**
 * The crop after one of its handles was moved, in shares; what lies opposite stays where it is.
 * With a `shape` it keeps that one.
 */
export function resized(crop: Crop, handle: Handle, by: Point, shape: number | null): Crop {
  const right = crop.x + crop.width;
  const bottom = crop.y + crop.height;
  const roomAcross = handle.across < 0 ? right : 1 - crop.x;
  const roomDown = handle.down < 0 ? bottom : 1 - crop.y;
  let width = within(crop.width + handle.across * by.x, LEAST_SIDE, roomAcross);
  let height = within(crop.height + handle.down * by.y, LEAST_SIDE, roomDown);
  if (shape !== null) {
    const wanted = handle.across === 0 ? height * shape : width;
    const most = Math.min(roomAcross, roomDown * shape);
    width = within(wanted, Math.max(LEAST_SIDE, LEAST_SIDE * shape), most);
    height = width / shape;
  }
  const x = handle.across < 0 ? right - width : crop.x;
  const y = handle.down < 0 ? bottom - height : crop.y;
  const middle = shape !== null && handle.across === 0 ? crop.x + (crop.width - width) / 2 : x;
  const centre = shape !== null && handle.down === 0 ? crop.y + (crop.height - height) / 2 : y;
  return moved({ x: 0, y: 0, width, height }, middle, centre);
}

/** The largest part of this shape (`width / height`, in pixels) in the middle of what a recipe shows. */
export function shapedInside(recipe: Frame, source: Size, ratio: number): Crop {
  const { width, height } = turned(source, recipe.turn);
  const crop = recipe.crop ?? WHOLE;
  const [wide, high] = [crop.width * width, crop.height * height];
  const across = Math.min(wide, high * ratio);
  const size = { width: across / width, height: across / ratio / height };
  return centred(size, crop.x + crop.width / 2, crop.y + crop.height / 2);
}
