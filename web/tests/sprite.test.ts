import { expect, test } from 'vitest';
import { tilesIn } from '../src/post/sprite';

const TEXT = `WEBVTT

00:00:00.000 --> 00:00:02.000
ab.jpg#xywh=0,0,160,90

01:00:02.000 --> 01:00:03.500
ab.jpg#xywh=160,90,160,90
`;

test('small pictures lie beside the text that names them', () => {
  const tiles = tilesIn(TEXT, 'https://media.example/media/g/leave/7/cd.vtt');

  expect(tiles).toHaveLength(2);
  expect(tiles[0]?.url).toBe('https://media.example/media/g/leave/7/ab.jpg');
  expect(tiles[1]).toMatchObject({ start: 3602, end: 3603.5, x: 160, y: 90 });
});

test('a text that is none names no pictures', () => {
  expect(tilesIn('<html>', 'https://media.example/')).toEqual([]);
});
