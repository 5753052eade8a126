import { describe, expect, it } from 'vitest';
import { heicShape } from '../src/composer/heic';

const bytesOf = (text: string): number[] => Array.from(text, (letter) => letter.charCodeAt(0));
const long = (value: number): number[] =>
  [value >>> 24, value >>> 16, value >>> 8, value].map((byte) => byte & 255);
const ispe = (width: number, height: number): number[] => [
  ...long(20),
  ...bytesOf('ispe'),
  ...long(0),
  ...long(width),
  ...long(height),
];
const irot = (turns: number): number[] => [...long(9), ...bytesOf('irot'), turns];
const file = (...boxes: number[][]) =>
  new Blob([
    new Uint8Array([
      ...long(24),
      ...bytesOf('ftypheic'),
      ...boxes.flat(),
      ...long(0),
      ...long(0),
      ...long(0),
    ]),
  ]);

describe('the shape of a HEIC photo', () => {
  it('is that of its largest item', async () => {
    const shape = await heicShape(file(ispe(512, 512), ispe(4032, 3024), ispe(320, 240)));

    expect(shape).toEqual({ width: 4032, height: 3024 });
  });

  it('stands up when the photo was turned by a quarter', async () => {
    expect(await heicShape(file(ispe(4032, 3024), irot(3)))).toEqual({ width: 3024, height: 4032 });
    expect(await heicShape(file(ispe(4032, 3024), irot(2)))).toEqual({ width: 4032, height: 3024 });
  });

  it('is unknown where the file does not tell', async () => {
    expect(await heicShape(file())).toBeNull();
    expect(await heicShape(new Blob([]))).toBeNull();
  });
});
