import type { Rendition, Slide } from '../api/types';

const ORDER = ['avif', 'webp', 'jpeg'];

export interface Source {
  type: string;
  srcset: string;
}

export interface Sources {
  /** Newer formats first; the browser takes the first it knows. */
  sources: Source[];
  /** The plainest format, for everyone else. */
  fallback: Rendition | undefined;
  srcset: string;
}

const srcsetOf = (renditions: Rendition[]): string =>
  renditions.map((rendition) => `${rendition.url} ${rendition.width}w`).join(', ');

function plainName(format: string): string {
  const name = format.toLowerCase().replace(/^image\//, '');
  return name === 'jpg' ? 'jpeg' : name;
}

/** The picture sources of a slide, from its renditions. Square crops are left to who asks. */
export function sourcesOf(slide: Pick<Slide, 'renditions'>): Sources {
  const byFormat = new Map<string, Rendition[]>();
  for (const rendition of slide.renditions) {
    const format = plainName(rendition.format);
    if (!ORDER.includes(format)) continue;
    byFormat.set(format, [...(byFormat.get(format) ?? []), rendition]);
  }
  for (const renditions of byFormat.values()) renditions.sort((a, b) => a.width - b.width);
  const formats = ORDER.filter((format) => byFormat.has(format));
  const last = formats.pop();
  const plain = last === undefined ? [] : (byFormat.get(last) ?? []);
  return {
    sources: formats.map((format) => ({
      type: `image/${format}`,
      srcset: srcsetOf(byFormat.get(format) ?? []),
    })),
    fallback: plain.find((rendition) => rendition.width >= 640) ?? plain.at(-1),
    srcset: srcsetOf(plain),
  };
}

/** The box all slides of a post share: the first one's shape, neither too tall nor too flat. */
export function ratioOf(slides: readonly Pick<Slide, 'width' | 'height'>[]): number {
  const first = slides[0];
  if (!first || first.width <= 0 || first.height <= 0) return 1;
  return Math.min(1.91, Math.max(0.75, first.width / first.height));
}
