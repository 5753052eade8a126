import { reportSeen } from '../api/posts';
import type { FeedPage } from '../api/types';

/** How long half of a post has to be in sight until it counts as seen. */
const LOOK_MS = 1_000;
/** Looks are told together, this long after the first of them. */
const TELL_MS = 4_000;
/** More than this the server does not take at once. */
const MOST = 200;

/**
 * This visit to the feed: the post before which the viewer was all caught up when it began. What is
 * seen on the way down does not move it.
 */
export const visit = $state({ caughtUp: '' });

/** Notes the marker of a page; the first one that is found counts until the feed begins anew. */
export function noteMarker(page: FeedPage, fromStart: boolean): void {
  if (fromStart || visit.caughtUp === '') visit.caughtUp = page.caught_up ?? '';
}

const told = new Set<string>();
let waiting: string[] = [];
let timer = 0;

/** Tells the server what was looked at since the last time. */
export async function tellSeen(): Promise<void> {
  window.clearTimeout(timer);
  timer = 0;
  while (waiting.length > 0) {
    const some = waiting.slice(0, MOST);
    waiting = waiting.slice(MOST);
    try {
      await reportSeen(some);
    } catch {
      // They are told when they are looked at again.
      for (const id of some) told.delete(id);
    }
  }
}

function note(id: string): void {
  if (told.has(id)) return;
  told.add(id);
  waiting.push(id);
  if (timer === 0) timer = window.setTimeout(() => void tellSeen(), TELL_MS);
}

/** Half of the post, or half of a window that is too low for it. */
const inSight = ({
  isIntersecting,
  intersectionRatio,
  intersectionRect,
}: IntersectionObserverEntry) =>
  isIntersecting && (intersectionRatio >= 0.5 || intersectionRect.height >= window.innerHeight / 2);

const THRESHOLDS = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];

/** Notes the post once it was in sight for a while. */
export function looks(id: string): (element: HTMLElement) => () => void {
  return (element) => {
    let look = 0;
    const stop = () => {
      window.clearTimeout(look);
      look = 0;
    };
    const observer = new IntersectionObserver(
      (entries) => {
        const last = entries.at(-1);
        if (!last || !inSight(last)) stop();
        else if (look === 0) {
          look = window.setTimeout(() => {
            if (!document.hidden) note(id);
          }, LOOK_MS);
        }
      },
      { threshold: THRESHOLDS },
    );
    observer.observe(element);
    return () => {
      stop();
      observer.disconnect();
    };
  };
}
