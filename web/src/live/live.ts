/**
 * What the server says while the page is open: that something is new, never what.
 *
 * One tab of the browser holds the stream and tells the others, since a browser has only a few
 * connections to one server. Where there is no stream, whoever asks now and then goes on asking.
 */

export interface News {
  kind: 'feed' | 'notifications' | 'post' | 'again';
  /** Of `notifications`: how many are unread. */
  unread?: number;
  /** Of `post`: which own post changed. */
  id?: string;
}

type Listener = (news: News) => void;

const NAME = 'tintype.live';
const KINDS = ['feed', 'notifications', 'post'] as const;
const AWAY_MS = 30_000;

const listeners = new Set<Listener>();
let stop: (() => void) | null = null;

/** Calls the listener with all news from now on; returns how to stop that. */
export function hear(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Begins to listen for the account that is signed in; returns how to end it. */
export function listen(): () => void {
  stop?.();
  const channel = new BroadcastChannel(NAME);
  const leaving = new AbortController();
  channel.onmessage = ({ data }: MessageEvent<News>) => tell(data);
  const pass = (news: News) => {
    tell(news);
    channel.postMessage(news);
  };
  void lead(pass, leaving.signal);
  stop = () => {
    leaving.abort();
    channel.close();
  };
  return stop;
}

function tell(news: News): void {
  for (const listener of listeners) listener(news);
}

/** Waits until this tab is the one that holds the stream, then holds it until the signal. */
async function lead(pass: Listener, signal: AbortSignal): Promise<void> {
  const hold = () => stream(pass, signal);
  // Without locks (plain HTTP on a network) each tab has a stream; the server ends the oldest.
  if (!('locks' in navigator)) return hold();
  try {
    await navigator.locks.request(NAME, { signal }, hold);
  } catch {
    // It was not this tab's turn yet when it was told to stop.
  }
}

function stream(pass: Listener, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    let source: EventSource | null = null;
    let timer = 0;
    let before = false;

    const open = () => {
      source = new EventSource('/v1/events');
      source.onopen = () => {
        // What happened while there was no stream was said to nobody.
        if (before) pass({ kind: 'again' });
        before = true;
      };
      const later = () => {
        timer = window.setTimeout(open, AWAY_MS * (0.75 + Math.random() / 2));
      };
      // A stream that only broke is opened again by the browser; a refused one is not.
      source.onerror = () => {
        if (source?.readyState === EventSource.CLOSED) later();
      };
      source.addEventListener('bye', () => {
        source?.close();
        later();
      });
      for (const kind of KINDS) {
        source.addEventListener(kind, ({ data }: MessageEvent<string>) =>
          pass({ ...(JSON.parse(data) as object), kind }),
        );
      }
    };

    signal.addEventListener('abort', () => {
      window.clearTimeout(timer);
      source?.close();
      done();
    });
    open();
  });
}
