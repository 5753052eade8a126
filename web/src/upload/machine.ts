/**
 * The life of one upload as a pure state machine; the driver performs what it asks for.
 *
 *   new → sending ⇄ paused → completing → processing → ready
 *     └──────────────┴────────────┴────────────┴→ failed → (retry) the step that failed
 */
export type Phase = 'new' | 'sending' | 'paused' | 'completing' | 'processing' | 'ready' | 'failed';

export interface Part {
  number: number;
  size: number;
  state: 'todo' | 'sending' | 'done';
  sent: number;
  failures: number;
}

export interface Transfer {
  phase: Phase;
  size: number;
  id: string | null;
  parts: readonly Part[];
  /** Why it failed; while it is sending, why the last try of a part did. */
  reason: string;
  /** Where a retry continues: null when only another file can help. */
  resumesAt: 'new' | 'sending' | 'completing' | null;
}

export type Happening =
  | { type: 'created'; id: string; partSize: number; partCount: number }
  /** What the server says it already has. */
  | { type: 'stored'; numbers: readonly number[] }
  | { type: 'part-started'; number: number }
  | { type: 'part-progress'; number: number; sent: number }
  | { type: 'part-done'; number: number }
  | { type: 'part-failed'; number: number; reason: string }
  /** The connection is away: nobody failed. */
  | { type: 'stopped' }
  /** The server holds other bytes for these parts than were sent. */
  | { type: 'damaged'; numbers: readonly number[] }
  | { type: 'pause' }
  | { type: 'resume' }
  | { type: 'completed' }
  | { type: 'ready' }
  /** `afresh`: what arrived is of no use, and only sending all of it again can help. */
  | { type: 'failed'; reason: string; hopeless: boolean; afresh?: boolean }
  | { type: 'retry' }
  /** The server no longer knows the upload. */
  | { type: 'expired' };

/** A part that failed so often stops the upload until the person asks for another try. */
export const MOST_FAILURES = 30;

export function start(size: number): Transfer {
  return { phase: 'new', size, id: null, parts: [], reason: '', resumesAt: null };
}

function cut(size: number, partSize: number, partCount: number): Part[] {
  return Array.from({ length: partCount }, (_, index) => ({
    number: index + 1,
    size: Math.min(partSize, size - index * partSize),
    state: 'todo',
    sent: 0,
    failures: 0,
  }));
}

function withPart(transfer: Transfer, number: number, change: (part: Part) => Part): Transfer {
  return {
    ...transfer,
    parts: transfer.parts.map((part) => (part.number === number ? change(part) : part)),
  };
}

/** All parts there: on to completing, unless the person paused meanwhile. */
function advance(transfer: Transfer): Transfer {
  const full = transfer.parts.length > 0 && transfer.parts.every((part) => part.state === 'done');
  return full && (transfer.phase === 'sending' || transfer.phase === 'paused')
    ? { ...transfer, phase: 'completing' }
    : transfer;
}

const idle = (part: Part): Part =>
  part.state === 'sending' ? { ...part, state: 'todo', sent: 0 } : part;

const rested = (part: Part): Part => ({ ...idle(part), failures: 0 });

function failPart(transfer: Transfer, number: number, reason: string): Transfer {
  const next = withPart(transfer, number, (part) => ({
    ...part,
    state: 'todo',
    sent: 0,
    failures: part.failures + 1,
  }));
  const spent = next.parts.some((part) => part.failures >= MOST_FAILURES);
  if (!spent) return { ...next, reason };
  return { ...next, phase: 'failed', reason, resumesAt: 'sending', parts: next.parts.map(idle) };
}

function fail(transfer: Transfer, reason: string, hopeless: boolean): Transfer {
  const whole = transfer.parts.length > 0 && transfer.parts.every((part) => part.state === 'done');
  const resumesAt = transfer.phase === 'new' ? 'new' : whole ? 'completing' : 'sending';
  return {
    ...transfer,
    phase: 'failed',
    reason,
    resumesAt: hopeless ? null : resumesAt,
    parts: transfer.parts.map(idle),
  };
}

/** Failed in a way that leaves nothing to go on from: another try begins at the beginning. */
function lose(transfer: Transfer, reason: string): Transfer {
  return { ...start(transfer.size), phase: 'failed', reason, resumesAt: 'new' };
}

/** The transfer after a happening. Happenings that do not fit the phase change nothing. */
export function after(transfer: Transfer, happening: Happening): Transfer {
  switch (happening.type) {
    case 'created': {
      if (transfer.phase !== 'new') return transfer;
      const parts = cut(transfer.size, happening.partSize, happening.partCount);
      return { ...transfer, phase: 'sending', id: happening.id, parts };
    }
    case 'stored': {
      const have = new Set(happening.numbers);
      const parts = transfer.parts.map((part): Part =>
        have.has(part.number)
          ? { ...part, state: 'done', sent: part.size }
          : { ...part, state: 'todo', sent: 0, failures: 0 },
      );
      const phase = transfer.phase === 'completing' ? 'sending' : transfer.phase;
      return advance({ ...transfer, phase, parts });
    }
    case 'part-started':
      if (transfer.phase !== 'sending') return transfer;
      return withPart(transfer, happening.number, (part) => ({
        ...part,
        state: 'sending',
        sent: 0,
      }));
    case 'part-progress':
      return withPart(transfer, happening.number, (part) =>
        part.state === 'sending' ? { ...part, sent: Math.min(happening.sent, part.size) } : part,
      );
    case 'part-done':
      return advance({
        ...withPart(transfer, happening.number, (part) => ({
          ...part,
          state: 'done',
          sent: part.size,
        })),
        reason: '',
      });
    case 'part-failed':
      return transfer.phase === 'sending'
        ? failPart(transfer, happening.number, happening.reason)
        : { ...transfer, parts: transfer.parts.map(idle) };
    case 'stopped':
      return { ...transfer, parts: transfer.parts.map(idle) };
    case 'damaged': {
      const bad = new Set(happening.numbers);
      const parts = transfer.parts.map((part): Part =>
        bad.has(part.number)
          ? { ...part, state: 'todo', sent: 0, failures: part.failures + 1 }
          : part,
      );
      return transfer.phase === 'completing' ? { ...transfer, phase: 'sending', parts } : transfer;
    }
    case 'pause':
      return transfer.phase === 'sending'
        ? { ...transfer, phase: 'paused', parts: transfer.parts.map(idle) }
        : transfer;
    case 'resume':
      return transfer.phase === 'paused'
        ? { ...transfer, phase: 'sending', parts: transfer.parts.map(rested) }
        : transfer;
    case 'completed':
      return transfer.phase === 'completing' ? { ...transfer, phase: 'processing' } : transfer;
    case 'ready':
      return { ...transfer, phase: 'ready' };
    case 'failed':
      return happening.afresh && !happening.hopeless
        ? lose(transfer, happening.reason)
        : fail(transfer, happening.reason, happening.hopeless);
    case 'retry':
      if (transfer.phase !== 'failed' || transfer.resumesAt === null) return transfer;
      return {
        ...transfer,
        phase: transfer.resumesAt,
        reason: '',
        resumesAt: null,
        parts: transfer.parts.map(rested),
      };
    case 'expired':
      return start(transfer.size);
  }
}

/** Which parts to send now, when `parallel` may be under way at once. */
export function partsToStart(transfer: Transfer, parallel: number): number[] {
  if (transfer.phase !== 'sending') return [];
  const busy = transfer.parts.filter((part) => part.state === 'sending').length;
  return transfer.parts
    .filter((part) => part.state === 'todo')
    .slice(0, Math.max(0, parallel - busy))
    .map((part) => part.number);
}

/** The share that has arrived or is under way, from 0 to 1: for a bar that moves. */
export function progressOf(transfer: Transfer): number {
  if (transfer.phase === 'processing' || transfer.phase === 'ready') return 1;
  const sent = transfer.parts.reduce((sum, part) => sum + part.sent, 0);
  return transfer.size === 0 ? 0 : sent / transfer.size;
}

/** Bytes that the server has said it holds: for words and numbers. */
export function arrivedOf(transfer: Transfer): number {
  if (['completing', 'processing', 'ready'].includes(transfer.phase)) return transfer.size;
  return transfer.parts.reduce((sum, part) => (part.state === 'done' ? sum + part.size : sum), 0);
}

/** Milliseconds to wait after the nth failure: doubling from 0.5 s to 30 s, jittered by half. */
export function pauseAfter(failures: number, random: number = Math.random()): number {
  const full = Math.min(30_000, 500 * 2 ** Math.max(0, failures - 1));
  return full * (0.5 + random / 2);
}
