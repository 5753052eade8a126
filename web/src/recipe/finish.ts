/** Pixels in rows, four bytes each: red, green, blue and how opaque they are. */
export interface Pixels {
  readonly data: Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

export const VIGNETTE = 0.75;

/** Darkens the corners, in place: by `1 - 0.75 a d⁴`, `d` in shares of the half diagonal. */
export function vignette({ data, width, height }: Pixels, amount: number): void {
  if (amount === 0) return;
  const ratio = (width / height) ** 2;
  let at = 0;
  for (let row = 0; row < height; row += 1) {
    const down = ((row + 0.5) / height) * 2 - 1;
    for (let column = 0; column < width; column += 1, at += 4) {
      const across = ((column + 0.5) / width) * 2 - 1;
      const squared = (across * across * ratio + down * down) / (ratio + 1);
      const factor = 1 - VIGNETTE * amount * squared * squared;
      for (let channel = at; channel < at + 3; channel += 1) {
        data[channel] = (data[channel] ?? 0) * factor;
      }
    }
  }
}

/** How much of what a blur takes away is added again, at most. */
export const SHARPEN = 1.5;

/**
 * Unsharp masking, in place: `v + 1.5 a (v - blur(v))`, where the blur weighs `1 2 1` in both
 * directions; beyond an edge lies what lies on it.
 */
export function sharpen({ data, width, height }: Pixels, amount: number): void {
  if (amount === 0) return;
  const before = data.slice();
  const row = width * 4;
  for (let y = 0; y < height; y += 1) {
    const here = y * row;
    const above = y > 0 ? here - row : here;
    const below = y < height - 1 ? here + row : here;
    for (let x = 0; x < width; x += 1) {
      const left = (x > 0 ? x - 1 : x) * 4;
      const right = (x < width - 1 ? x + 1 : x) * 4;
      for (let channel = 0; channel < 3; channel += 1) {
        const sum = (start: number): number =>
          (before[start + left + channel] ?? 0) +
          2 * (before[start + x * 4 + channel] ?? 0) +
          (before[start + right + channel] ?? 0);
        const value = before[here + x * 4 + channel] ?? 0;
        const blurred = (sum(above) + 2 * sum(here) + sum(below)) / 16;
        data[here + x * 4 + channel] = value + SHARPEN * amount * (value - blurred);
      }
    }
  }
}
