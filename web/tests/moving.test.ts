import { expect, test } from 'vitest';
import { mayMove } from '../src/composer/moving';

const webp = (flags: number) =>
  new Blob(['RIFF\x10\0\0\0WEBPVP8X\x0a\0\0\0', new Uint8Array([flags, 0, 0, 0])]);

test('photos that move are told by their first bytes', async () => {
  expect(await mayMove(new Blob(['GIF89a\x01\0\x01\0']))).toBe(true);
  expect(await mayMove(webp(0b0001_0010))).toBe(true);
  expect(await mayMove(new Blob(['\0\0\0\x20ftypavis\0\0\0\0']))).toBe(true);
});

test('photos that stand still, and files that are none, do not move', async () => {
  expect(await mayMove(webp(0b0001_0000))).toBe(false);
  expect(await mayMove(new Blob(['\0\0\0\x20ftypavif\0\0\0\0']))).toBe(false);
  expect(await mayMove(new Blob([new Uint8Array([0xff, 0xd8, 0xff])]))).toBe(false);
  expect(await mayMove(new Blob([]))).toBe(false);
});
