const compact = new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 });
const plain = new Intl.NumberFormat();
const ago = new Intl.RelativeTimeFormat(undefined, { numeric: 'always', style: 'narrow' });
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const dayOfYear = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: 'long', timeStyle: 'short' });

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];

export const count = (value: number): string =>
  value < 10_000 ? plain.format(value) : compact.format(value);

export const fullTime = (time: string): string => moment.format(new Date(time));

/** `now`, `5m ago` … up to a week, then the date, with its year when it is another one. */
export function shortTime(time: string, now: number = Date.now()): string {
  const then = new Date(time);
  const seconds = Math.max(0, (now - then.getTime()) / 1000);
  if (seconds < 60) return 'now';
  if (seconds < 7 * 86_400) {
    for (const [unit, size] of STEPS) {
      if (seconds >= size) return ago.format(-Math.floor(seconds / size), unit);
    }
  }
  const thisYear = then.getFullYear() === new Date(now).getFullYear();
  return (thisYear ? day : dayOfYear).format(then);
}

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;

/** Powers of 1024, as the server sets its limits and file managers mostly show sizes: `8 MB`. */
export function bytes(value: number): string {
  let size = value;
  let step = 0;
  while (size >= 1024 && step < UNITS.length - 1) {
    size /= 1024;
    step += 1;
  }
  return new Intl.NumberFormat(undefined, {
    style: 'unit',
    unit: UNITS[step] ?? 'byte',
    unitDisplay: step === 0 ? 'long' : 'short',
    maximumFractionDigits: size < 10 && step > 0 ? 1 : 0,
  }).format(size);
}

/** `1:05` for 65 seconds. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

export const plural = (value: number, one: string, many: string): string =>
  `${count(value)} ${value === 1 ? one : many}`;

/** Characters as a person counts them, not UTF-16 units. */
export const lengthOf = (text: string): number => Array.from(text).length;
