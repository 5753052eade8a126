import { isAbort, isPassing, newKey } from '../api/client';
import { Problem, reasonOf } from '../api/problem';
import type { SentBytes, Slide, Upload } from '../api/types';
import { completeUpload, createUpload, dropUpload, readUpload, signPart } from '../api/uploads';
import { joined, sha256 } from './digest';
import { FALLBACK, typeOf } from './limits';
import {
  after,
  arrivedOf,
  partsToStart,
  pauseAfter,
  progressOf,
  start,
  type Happening,
  type Transfer,
} from './machine';
import { base64, readPiece } from './reading';
import { sendPart } from './send';

const PARALLEL_PARTS = 3;
const MOST_TRIES = 5;
/** No room, too large, of the wrong kind, unreadable: the same file meets the same answer. */
const HOPELESS = [403, 413, 415, 422];
/** The server's own fault: completing once more has it try again. */
const GAVE_UP = 'gave-up';
const POLL_MS = [600, 800, 1200, 2000, 3000];

const isDamage = (error: unknown): error is Problem =>
  error instanceof Problem && error.type.endsWith('/upload-damaged');
const isConflict = (error: unknown): boolean => error instanceof Problem && error.status === 409;

/** One file on its way to the server. Drives the machine until it is ready or needs a person. */
export class UploadTask {
  transfer = $state.raw<Transfer>(start(0));
  /** The finished slide, once the server has made its renditions. */
  slide = $state.raw<Slide | null>(null);
  /** Whether the connection is away, and the upload waits for it. */
  offline = $state(!navigator.onLine);

  readonly file: File;
  readonly type: string;
  /** Called when the server has given the upload its id. */
  onCreated: ((id: string) => void) | null = null;
  /** Called when the server has every byte. */
  onArrived: (() => void) | null = null;

  #key = newKey();
  #stop = new AbortController();
  #partSize = 0;
  #timers = new Set<number>();
  #waiting: { resolve: (id: string) => void; reject: (reason: unknown) => void }[] = [];
  #dropped = false;
  #conflicts = 0;
  #read = false;
  #begun = false;
  #creating = false;
  readonly #etags = new Map<number, string>();
  readonly #digests = new Map<number, Uint8Array>();

  constructor(file: File) {
    this.file = file;
    this.type = typeOf(file);
    this.transfer = start(file.size);
    window.addEventListener('online', this.#wake);
    window.addEventListener('offline', this.#sleep);
  }

  /** Bytes that the server has acknowledged. */
  get arrived(): number {
    return arrivedOf(this.transfer);
  }

  /** Whether it failed in a way that another try may mend. */
  get mayRetry(): boolean {
    return this.transfer.phase === 'failed' && this.transfer.resumesAt !== null;
  }

  get progress(): number {
    return progressOf(this.transfer);
  }

  /** Starts, or goes on with the upload of that id, which an earlier page load began. */
  begin(id: string | null = null): void {
    this.#begun = true;
    if (id === null) this.#drive();
    else void this.#adopt(id);
  }

  pause(): void {
    this.#halt();
    this.#happen({ type: 'pause' });
  }

  resume(): void {
    this.#happen({ type: 'resume' });
    this.#drive();
  }

  retry(): void {
    const { id, phase, resumesAt } = this.transfer;
    if (phase !== 'failed') return;
    this.#happen({ type: 'retry' });
    if (resumesAt === 'sending' && id) void this.#refresh(id);
    else this.#drive();
  }

  /** Stops and lets the server forget what it has. */
  drop(): void {
    this.release();
    const { id, phase } = this.transfer;
    if (id && phase !== 'ready') dropUpload(id).catch(() => undefined);
  }

  /** Stops without a word to the server. */
  release(): void {
    this.#dropped = true;
    this.#halt();
    window.removeEventListener('online', this.#wake);
    window.removeEventListener('offline', this.#sleep);
  }

  /** The upload's id, as soon as the server has given one. */
  id(): Promise<string> {
    const { id } = this.transfer;
    if (id) return Promise.resolve(id);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  readonly #wake = (): void => {
    this.offline = false;
    this.#drive();
  };

  /** Parts that were under way are sent again later, and none of them has failed. */
  readonly #sleep = (): void => {
    this.offline = true;
    if (this.transfer.phase !== 'sending') return;
    this.#halt();
    this.#happen({ type: 'stopped' });
  };

  #happen(happening: Happening): void {
    const before = this.transfer.phase;
    this.transfer = after(this.transfer, happening);
    const { phase } = this.transfer;
    if (phase !== before && (phase === 'processing' || phase === 'ready')) this.onArrived?.();
  }

  #halt(): void {
    this.#stop.abort();
    this.#stop = new AbortController();
    for (const timer of this.#timers) window.clearTimeout(timer);
    this.#timers.clear();
  }

  #later(act: () => void, ms: number): void {
    const timer = window.setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, ms);
    this.#timers.add(timer);
  }

  async #create(failures = 0): Promise<void> {
    this.#creating = true;
    try {
      const { name, size } = this.file;
      const head = base64(await this.#piece(0, Math.min(size, FALLBACK.head_bytes)));
      const made = await createUpload({ type: this.type, size, name, head }, this.#key);
      this.#creating = false;
      if (this.#dropped) return;
      this.#partSize = made.part_size;
      this.#happen({
        type: 'created',
        id: made.id,
        partSize: made.part_size,
        partCount: made.part_count,
      });
      this.onCreated?.(made.id);
      for (const { resolve } of this.#waiting.splice(0)) resolve(made.id);
      this.#drive();
    } catch (error) {
      this.#creating = false;
      if (this.#dropped || (this.offline && isPassing(error))) return;
      if (isPassing(error) && failures < MOST_TRIES) {
        this.#creating = true;
        this.#later(() => void this.#create(failures + 1), pauseAfter(failures + 1));
        return;
      }
      this.#fail(error);
      for (const { reject } of this.#waiting.splice(0)) reject(error);
    }
  }

  async #adopt(id: string): Promise<void> {
    try {
      const upload = await readUpload(id);
      this.#partSize = upload.part_size;
      this.#happen({
        type: 'created',
        id,
        partSize: upload.part_size,
        partCount: upload.part_count,
      });
      this.#follow(upload);
    } catch (error) {
      if (error instanceof Problem && (error.status === 404 || error.status === 410)) {
        this.#restart();
      } else if (this.#dropped) {
        return;
      } else {
        this.#later(() => void this.#adopt(id), 3000);
      }
    }
  }

  /** Does what the phase asks for. Safe to call at any time. */
  #drive(): void {
    if (this.#dropped || this.offline || !this.#begun) return;
    if (this.transfer.phase === 'new' && !this.#creating) void this.#create();
    for (const number of partsToStart(this.transfer, PARALLEL_PARTS)) {
      this.#happen({ type: 'part-started', number });
      void this.#send(number);
    }
    if (this.transfer.phase === 'completing') void this.#complete();
  }

  async #send(number: number): Promise<void> {
    const { id } = this.transfer;
    if (!id) return;
    const signal = this.#stop.signal;
    try {
      const body = await this.#part(number);
      const part = await signPart(id, number, signal);
      const etag = await sendPart(part, body, signal, (sent) =>
        this.#happen({ type: 'part-progress', number, sent }),
      );
      if (etag) this.#etags.set(number, etag.replaceAll('"', ''));
      this.#happen({ type: 'part-done', number });
      this.#drive();
    } catch (error) {
      if (isAbort(error)) return;
      this.#afterFailedPart(number, error);
    }
  }

  async #piece(start: number, end: number): Promise<ArrayBuffer> {
    const data = await readPiece(this.file, start, end, this.#read);
    this.#read = true;
    return data;
  }

  /** The bytes of a part; their hash is kept for the end. */
  async #part(number: number): Promise<ArrayBuffer> {
    const start = (number - 1) * this.#partSize;
    const data = await this.#piece(start, Math.min(start + this.#partSize, this.file.size));
    const digest = await sha256(data);
    if (digest) this.#digests.set(number, digest);
    return data;
  }

  /** What was sent, for the server to check; parts that an earlier page load sent are read anew. */
  async #sent(): Promise<SentBytes> {
    const parts = [...this.#etags].map(([number, etag]) => ({ number, etag }));
    const digests: Uint8Array[] = [];
    for (const { number } of this.transfer.parts) {
      if (!this.#digests.has(number)) await this.#part(number);
      const digest = this.#digests.get(number);
      if (!digest) return { parts };
      digests.push(digest);
    }
    const whole = await joined(digests);
    return whole ? { parts, parts_sha256: whole } : { parts };
  }

  #afterFailedPart(number: number, error: unknown): void {
    const status = error instanceof Problem ? error.status : -1;
    if (status === 404 || status === 410) {
      this.#restart();
      return;
    }
    // A signed address that ran out of time (403, with some stores 400): the next try asks for a
    // new one. 400 is also what S3 says to a part that came too slowly.
    if (!isPassing(error) && status !== 403 && status !== 400) {
      this.#halt();
      this.#fail(error);
      return;
    }
    this.#happen({ type: 'part-failed', number, reason: reasonOf(error) });
    const failures = this.transfer.parts.find((part) => part.number === number)?.failures ?? 1;
    if (this.transfer.phase === 'failed') this.#halt();
    else this.#later(() => this.#drive(), pauseAfter(failures));
  }

  async #complete(failures = 0): Promise<void> {
    const { id } = this.transfer;
    if (!id) return;
    try {
      await completeUpload(id, await this.#sent());
      this.#happen({ type: 'completed' });
      this.#poll(0);
    } catch (error) {
      const again = pauseAfter(failures + 1);
      if (isPassing(error) && failures < MOST_TRIES) {
        this.#later(() => void this.#complete(failures + 1), again);
      } else if (isDamage(error) && this.#conflicts < MOST_TRIES) {
        this.#conflicts += 1;
        for (const number of error.parts) this.#etags.delete(number);
        this.#happen({ type: 'damaged', numbers: error.parts });
        this.#drive();
      } else if (isConflict(error) && this.#conflicts < MOST_TRIES) {
        // The server misses a part, or is at it already: what it has decides.
        this.#conflicts += 1;
        this.#later(() => void this.#refresh(id), again);
      } else {
        this.#fail(error);
      }
    }
  }

  /** Asks what the server has, and goes on from there. */
  async #refresh(id: string): Promise<void> {
    try {
      this.#follow(await readUpload(id));
    } catch (error) {
      this.#fail(error);
    }
  }

  #follow(upload: Upload): void {
    if (this.#dropped) return;
    switch (upload.state) {
      case 'uploading':
        this.#happen({ type: 'stored', numbers: upload.parts.map((part) => part.number) });
        this.#drive();
        return;
      case 'processing':
        this.#happen({ type: 'stored', numbers: this.transfer.parts.map((part) => part.number) });
        this.#happen({ type: 'completed' });
        this.#poll(0);
        return;
      case 'ready':
        this.slide = upload.slide ?? null;
        this.#happen({ type: 'ready' });
        this.release();
        return;
      case 'failed':
        this.#happen({
          type: 'failed',
          reason: upload.reason ?? 'This file cannot be shown.',
          hopeless: !upload.retryable,
          afresh: upload.reason_code !== GAVE_UP,
        });
        if (this.transfer.id === null) this.#forget();
        return;
      case 'expired':
        this.#restart();
    }
  }

  #restart(): void {
    this.#halt();
    this.#happen({ type: 'expired' });
    this.#forget();
    this.#drive();
  }

  /** Nothing of what was sent counts any more: the next upload is another one. */
  #forget(): void {
    this.#key = newKey();
    this.#etags.clear();
  }

  #poll(turn: number): void {
    this.#later(() => void this.#look(turn), POLL_MS[Math.min(turn, POLL_MS.length - 1)] ?? 3000);
  }

  async #look(turn: number): Promise<void> {
    const { id, phase } = this.transfer;
    if (!id || phase !== 'processing') return;
    try {
      const upload = await readUpload(id, this.#stop.signal);
      if (upload.state === 'processing') this.#poll(turn + 1);
      else this.#follow(upload);
    } catch (error) {
      if (isAbort(error)) return;
      if (isPassing(error)) this.#poll(turn + 1);
      else this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#happen({
      type: 'failed',
      reason: reasonOf(error),
      hopeless: error instanceof Problem && HOPELESS.includes(error.status),
    });
  }
}
