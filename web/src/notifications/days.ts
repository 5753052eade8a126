export interface Group<T> {
  title: string;
  items: T[];
}

const DAY_MS = 86_400_000;

function startOfDay(time: number): number {
  return new Date(time).setHours(0, 0, 0, 0);
}

function titleOf(time: number, now: number): string {
  const days = Math.round((startOfDay(now) - startOfDay(time)) / DAY_MS);
  if (days <= 0) return 'Today';
  if (days === 1) return 'Yesterday';
  if (days < 7) return 'This week';
  if (days < 31) return 'This month';
  return 'Earlier';
}

/** Cuts a list, newest first, into Today, Yesterday and so on, without changing its order. */
export function byDay<T extends { created_at: string }>(
  items: readonly T[],
  now: number,
): Group<T>[] {
  const groups: Group<T>[] = [];
  for (const item of items) {
    const title = titleOf(Date.parse(item.created_at), now);
    const last = groups.at(-1);
    if (last?.title === title) last.items.push(item);
    else groups.push({ title, items: [item] });
  }
  return groups;
}
