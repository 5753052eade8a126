import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Problem } from '../src/api/problem';
import type { Upload } from '../src/api/types';
import { joined, md5, sha256 } from '../src/upload/digest';
import { after, arrivedOf, progressOf, start, type Happening } from '../src/upload/machine';
import { base64, readPiece } from '../src/upload/reading';
import { differs } from '../src/upload/same';

const bytes = (length: number, seed = 7): Uint8Array<ArrayBuffer> =>
  Uint8Array.from({ length }, (_, index) => (index * 31 + seed) % 256);
const md5Of = (data: Uint8Array): string => createHash('md5').update(data).digest('hex');

describe('hashes', () => {
  it('are the ones that storages make, whatever the length', () => {
    for (const length of [0, 1, 55, 56, 63, 64, 65, 119, 128, 5000]) {
      expect(md5(bytes(length).buffer)).toBe(md5Of(bytes(length)));
    }
  });

  it('of parts are joined as the server joins them', async () => {
    const parts = [bytes(10), bytes(3, 1)];
    const digests = await Promise.all(parts.map((part) => sha256(part)));
    const expected = createHash('sha256');
    for (const part of parts) expected.update(createHash('sha256').update(part).digest());

    expect(await joined(digests.filter((digest) => digest !== null))).toBe(expected.digest('hex'));
  });
});

describe('a file that is picked again', () => {
  const data = bytes(25);
  const upload = (parts: [number, Uint8Array][]): Upload => ({
    id: '1',
    state: 'uploading',
    content_type: 'video/mp4',
    bytes: 25,
    part_size: 10,
    part_count: 3,
    parts: parts.map(([number, part]) => ({ number, bytes: part.length, etag: md5Of(part) })),
    expires_at: '',
  });

  it('is the same when its length and its parts are', async () => {
    const same = upload([
      [1, data.slice(0, 10)],
      [3, data.slice(20)],
    ]);

    expect(await differs(new File([data], 'a.mp4'), same)).toBeNull();
  });

  it('is another one when a part of it differs, and is named', async () => {
    const other = upload([[2, bytes(10, 99)]]);

    expect(await differs(new File([data], 'a.mp4'), other)).toContain('a.mp4');
    expect(await differs(new File([bytes(24)], 'a.mp4'), upload([]))).toContain('a.mp4');
  });

  it('is judged by its length alone where the storage makes other etags', async () => {
    const strange = upload([[1, data.slice(0, 10)]]);
    for (const part of strange.parts) part.etag = 'opaque-1';

    expect(await differs(new File([data], 'a.mp4'), strange)).toBeNull();
  });
});

describe('a file that cannot be read', () => {
  const broken = (name: string): File => {
    const file = new File([bytes(9)], 'beach.jpg');
    file.slice = () => {
      const blob = new Blob();
      blob.arrayBuffer = () => Promise.reject(new DOMException('no', name));
      return blob;
    };
    return file;
  };

  it('is told apart from one that changed while it was sent', async () => {
    await expect(readPiece(broken('NotReadableError'), 0, 9, false)).rejects.toThrow(
      'beach.jpg cannot be read',
    );
    await expect(readPiece(broken('NotReadableError'), 0, 9, true)).rejects.toThrow(
      'beach.jpg was changed',
    );
    await expect(readPiece(broken('NotFoundError'), 0, 9, true)).rejects.toBeInstanceOf(Problem);
  });

  it('sends its beginning as base64', () => {
    expect(base64(Uint8Array.of(255, 216, 255).buffer)).toBe('/9j/');
  });
});

describe('an upload on a bad day', () => {
  const created: Happening = { type: 'created', id: 'u1', partSize: 10, partCount: 3 };
  const done = (number: number): Happening => ({ type: 'part-done', number });
  const sending = [created, done(1), { type: 'part-started', number: 2 } as const].reduce(
    after,
    start(25),
  );

  it('counts as arrived only what the server has acknowledged', () => {
    const under = after(sending, { type: 'part-progress', number: 2, sent: 9 });

    expect(arrivedOf(under)).toBe(10);
    expect(progressOf(under)).toBeCloseTo(19 / 25);
  });

  it('stops without a failure when the connection goes', () => {
    const stopped = after(sending, { type: 'stopped' });

    expect(stopped.phase).toBe('sending');
    expect(stopped.parts.map((part) => [part.state, part.failures])).toEqual([
      ['done', 0],
      ['todo', 0],
      ['todo', 0],
    ]);
  });

  it('sends again the parts that the server holds damaged', () => {
    const whole = [done(2), done(3)].reduce(after, sending);
    const again = after(whole, { type: 'damaged', numbers: [2] });

    expect(whole.phase).toBe('completing');
    expect(again.phase).toBe('sending');
    expect(again.parts.map((part) => part.state)).toEqual(['done', 'todo', 'done']);
  });

  it('begins at the beginning when what arrived is of no use', () => {
    const lost = after(sending, {
      type: 'failed',
      reason: 'Damaged.',
      hopeless: false,
      afresh: true,
    });

    expect([lost.phase, lost.resumesAt, lost.id]).toEqual(['failed', 'new', null]);
    expect(after(lost, { type: 'retry' }).phase).toBe('new');
  });

  it('says why it is slow while it tries again, and forgets it when a part arrives', () => {
    const slow = after(sending, { type: 'part-failed', number: 2, reason: 'Away.' });

    expect([slow.phase, slow.reason]).toEqual(['sending', 'Away.']);
    expect(after(slow, done(2)).reason).toBe('');
  });
});
