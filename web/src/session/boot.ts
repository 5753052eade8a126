import type { Boot } from '../api/types';

/** The facts the server put into the page, or null where it put none. */
export function bootOf(root: Document): Boot | null {
  const text = root.getElementById('boot')?.textContent;
  if (!text) return null;
  try {
    return JSON.parse(text) as Boot;
  } catch {
    return null;
  }
}
