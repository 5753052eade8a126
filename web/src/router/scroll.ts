/** Where the reader was on each visited page, by history entry: an element and its distance. */
interface Position {
  y: number;
  anchor: string | null;
  distance: number;
}

const STORE = 'tintype.scroll';
const PATIENCE_MS = 1200;

let positions = new Map<string, Position>();

try {
  const kept = sessionStorage.getItem(STORE);
  if (kept) positions = new Map(JSON.parse(kept) as [string, Position][]);
} catch {
  // Without storage, or with a foreign value in it, only the positions of this page load are known.
}

/** Remembers the current position under a history entry. */
export function keepPosition(key: string): void {
  const position: Position = { y: window.scrollY, anchor: null, distance: 0 };
  for (const element of document.querySelectorAll<HTMLElement>('[data-anchor]')) {
    const box = element.getBoundingClientRect();
    if (box.bottom > 0) {
      position.anchor = element.dataset['anchor'] ?? null;
      position.distance = box.top;
      break;
    }
  }
  positions.delete(key);
  positions.set(key, position);
  if (positions.size > 50) {
    const oldest = positions.keys().next();
    if (!oldest.done) positions.delete(oldest.value);
  }
}

export function savePositions(): void {
  try {
    sessionStorage.setItem(STORE, JSON.stringify([...positions]));
  } catch {
    // A full or forbidden store costs only the position after a reload.
  }
}

let attempt = 0;

/** Brings the page back to where it was, as soon as the page is long enough; else to the top. */
export function restorePosition(key: string): void {
  const position = positions.get(key);
  attempt += 1;
  if (!position || position.y === 0) {
    window.scrollTo(0, 0);
    return;
  }
  const mine = attempt;
  const until = performance.now() + PATIENCE_MS;
  const stop = () => {
    attempt += 1;
  };
  window.addEventListener('wheel', stop, { once: true, passive: true });
  window.addEventListener('touchstart', stop, { once: true, passive: true });
  const settle = () => {
    if (mine !== attempt) return;
    const element =
      position.anchor === null
        ? null
        : document.querySelector(`[data-anchor="${CSS.escape(position.anchor)}"]`);
    if (element) {
      const off = element.getBoundingClientRect().top - position.distance;
      if (Math.abs(off) >= 1) window.scrollBy(0, off);
    } else {
      window.scrollTo(0, position.y);
    }
    if (performance.now() < until) requestAnimationFrame(settle);
  };
  settle();
}

/** A new page begins at its top. */
export function toTop(): void {
  attempt += 1;
  window.scrollTo(0, 0);
}
