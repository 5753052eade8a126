/** One small picture of a sheet, and the seconds of the film that it stands for. */
export interface Tile {
  start: number;
  end: number;
  url: string;
  x: number;
  y: number;
  width: number;
  height: number;
}

const CUE =
  /(\d+):(\d\d):(\d\d\.\d+) --> (\d+):(\d\d):(\d\d\.\d+)\s+(\S+)#xywh=(\d+),(\d+),(\d+),(\d+)/g;

const seconds = (hours = '0', minutes = '0', rest = '0') =>
  Number(hours) * 3600 + Number(minutes) * 60 + Number(rest);

/** The pictures that a WebVTT text from `base` tells of. */
export function tilesIn(text: string, base: string): Tile[] {
  return [...text.matchAll(CUE)].map(([, h, m, s, h2, m2, s2, name = '', x, y, width, height]) => ({
    start: seconds(h, m, s),
    end: seconds(h2, m2, s2),
    url: new URL(name, base).href,
    x: Number(x),
    y: Number(y),
    width: Number(width),
    height: Number(height),
  }));
}

/** Fetches them; none where that fails: seeking works without. */
export async function tilesOf(url: string): Promise<Tile[]> {
  try {
    const answer = await fetch(url);
    return answer.ok ? tilesIn(await answer.text(), answer.url || url) : [];
  } catch {
    return [];
  }
}
