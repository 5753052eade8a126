import { describe, expect, it } from 'vitest';
import {
  after,
  MOST_FAILURES,
  partsToStart,
  pauseAfter,
  progressOf,
  start,
  type Happening,
  type Transfer,
} from '../src/upload/machine';

const play = (transfer: Transfer, ...happenings: Happening[]): Transfer =>
  happenings.reduce(after, transfer);

const created: Happening = { type: 'created', id: 'u1', partSize: 10, partCount: 3 };
const done = (number: number): Happening => ({ type: 'part-done', number });
const started = (number: number): Happening => ({ type: 'part-started', number });

describe('an upload', () => {
  it('cuts the file into parts, the last one being what is left', () => {
    const transfer = play(start(25), created);

    expect(transfer.phase).toBe('sending');
    expect(transfer.parts.map((part) => part.size)).toEqual([10, 10, 5]);
  });

  it('starts as many parts as may be under way, in order', () => {
    const transfer = play(start(25), created);
    expect(partsToStart(transfer, 2)).toEqual([1, 2]);

    const busy = play(transfer, started(1), started(2));
    expect(partsToStart(busy, 2)).toEqual([]);
    expect(partsToStart(after(busy, done(1)), 2)).toEqual([3]);
  });

  it('goes from the last part through completing and processing to ready', () => {
    const sent = play(start(25), created, done(1), done(2), done(3));
    expect(sent.phase).toBe('completing');
    expect(play(sent, { type: 'completed' }).phase).toBe('processing');
    expect(play(sent, { type: 'completed' }, { type: 'ready' }).phase).toBe('ready');
  });

  it('counts the bytes on their way', () => {
    const transfer = play(start(25), created, done(1), started(2), {
      type: 'part-progress',
      number: 2,
      sent: 5,
    });

    expect(progressOf(transfer)).toBeCloseTo(15 / 25);
  });

  it('pauses without losing what has arrived, and sends the rest on resume', () => {
    const paused = play(start(25), created, done(1), started(2), { type: 'pause' });
    expect(paused.phase).toBe('paused');
    expect(partsToStart(paused, 3)).toEqual([]);

    const resumed = after(paused, { type: 'resume' });
    expect(partsToStart(resumed, 3)).toEqual([2, 3]);
  });

  it('tries a failed part again and gives up after enough failures', () => {
    let transfer = play(start(25), created);
    for (let failure = 1; failure < MOST_FAILURES; failure += 1) {
      transfer = play(transfer, started(1), { type: 'part-failed', number: 1, reason: 'gone' });
      expect(transfer.phase).toBe('sending');
    }

    transfer = play(transfer, started(1), { type: 'part-failed', number: 1, reason: 'gone' });

    expect(transfer).toMatchObject({ phase: 'failed', reason: 'gone', resumesAt: 'sending' });
  });

  it('carries on where it stood when the person tries again', () => {
    const failed = play(start(25), created, done(1), {
      type: 'failed',
      reason: 'no connection',
      hopeless: false,
    });

    const again = after(failed, { type: 'retry' });

    expect(again.phase).toBe('sending');
    expect(partsToStart(again, 3)).toEqual([2, 3]);
  });

  it('has no retry when only another file can help', () => {
    const failed = play(start(25), { type: 'failed', reason: 'not a picture', hopeless: true });

    expect(after(failed, { type: 'retry' })).toBe(failed);
  });

  it('believes the server about the parts it has', () => {
    const transfer = play(start(25), created, { type: 'stored', numbers: [1, 3] });

    expect(partsToStart(transfer, 3)).toEqual([2]);
  });

  it('sends again what the server misses at the end', () => {
    const sent = play(start(25), created, done(1), done(2), done(3));

    const missing = after(sent, { type: 'stored', numbers: [1, 2] });

    expect(missing.phase).toBe('sending');
    expect(partsToStart(missing, 3)).toEqual([3]);
  });

  it('begins anew when the server no longer knows it', () => {
    const transfer = play(start(25), created, done(1), { type: 'expired' });

    expect(transfer).toEqual(start(25));
  });

  it('never counts more than the file, whatever happens in whatever order', () => {
    const all: Happening[] = [
      created,
      started(1),
      { type: 'part-progress', number: 1, sent: 99 },
      done(1),
      { type: 'part-failed', number: 2, reason: 'x' },
      started(2),
      { type: 'pause' },
      { type: 'resume' },
      done(2),
      { type: 'stored', numbers: [1] },
      done(3),
      { type: 'completed' },
      { type: 'failed', reason: 'x', hopeless: false },
      { type: 'retry' },
      { type: 'ready' },
      { type: 'expired' },
    ];
    let seed = 7;
    const random = () => (seed = (seed * 1103515245 + 12345) % 2 ** 31) / 2 ** 31;
    let transfer = start(25);
    for (let step = 0; step < 4000; step += 1) {
      transfer = after(transfer, all[Math.floor(random() * all.length)] ?? created);
      expect(progressOf(transfer)).toBeLessThanOrEqual(1);
      expect(partsToStart(transfer, 3).length).toBeLessThanOrEqual(3);
      if (transfer.phase === 'completing') {
        expect(transfer.parts.every((part) => part.state === 'done')).toBe(true);
      }
    }
  });
});

describe('the pause after a failure', () => {
  it('doubles, is jittered, and has an end', () => {
    expect(pauseAfter(1, 1)).toBe(500);
    expect(pauseAfter(2, 1)).toBe(1000);
    expect(pauseAfter(2, 0)).toBe(500);
    expect(pauseAfter(40, 1)).toBe(30_000);
  });
});
