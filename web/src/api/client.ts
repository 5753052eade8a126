import { Problem, problemOf, unreachable } from './problem';

type Query = Record<string, string | number | null | undefined>;

interface Options {
  query?: Query;
  body?: unknown;
  signal?: AbortSignal | undefined;
  /** Sent on POSTs that create, so that a retry of the same call never doubles the effect. */
  key?: string;
  keepalive?: boolean;
}

let onSignedOut: (() => void) | null = null;

/** Registers what happens when the server no longer knows the session. */
export function whenSignedOut(act: () => void): void {
  onSignedOut = act;
}

export function newKey(): string {
  if (typeof crypto.randomUUID === 'function') return crypto.randomUUID();
  // randomUUID is missing on plain-http origins other than localhost.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
}

function address(path: string, query: Query | undefined): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== null && value !== undefined && value !== '') search.set(name, String(value));
  }
  const text = search.toString();
  return `/v1${path}${text ? `?${text}` : ''}`;
}

/**
 * Calls the API. Rejects with Problem for every failure but an abort, which stays a DOMException.
 */
export async function call<T>(method: string, path: string, options: Options = {}): Promise<T> {
  const headers = new Headers({ accept: 'application/json' });
  const init: RequestInit = { method, headers, credentials: 'same-origin' };
  if (options.body !== undefined) {
    headers.set('content-type', 'application/json');
    init.body = JSON.stringify(options.body);
  }
  if (options.key) headers.set('idempotency-key', options.key);
  if (options.signal) init.signal = options.signal;
  if (options.keepalive) init.keepalive = true;

  let response: Response;
  try {
    response = await fetch(address(path, options.query), init);
  } catch (error) {
    if (isAbort(error)) throw error;
    throw unreachable();
  }
  if (!response.ok) {
    const problem = await problemOf(response);
    if (problem.status === 401 && !path.startsWith('/sessions')) onSignedOut?.();
    throw problem;
  }
  if (response.status === 204) return undefined as T;
  try {
    return (await response.json()) as T;
  } catch (error) {
    if (isAbort(error)) throw error;
    throw unreachable();
  }
}

export const get = <T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> =>
  call<T>('GET', path, { ...(query && { query }), signal });

export const post = <T>(path: string, body?: unknown, key: string = newKey()): Promise<T> =>
  call<T>('POST', path, { body: body ?? {}, key });

export const put = <T>(path: string, body?: unknown): Promise<T> =>
  call<T>('PUT', path, body === undefined ? {} : { body });

export const patch = <T>(path: string, body: unknown): Promise<T> =>
  call<T>('PATCH', path, { body });

export const remove = <T = undefined>(
  path: string,
  options: Pick<Options, 'body' | 'keepalive'> = {},
): Promise<T> => call<T>('DELETE', path, options);

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}

/** Whether trying the same call again may succeed. */
export function isPassing(error: unknown): boolean {
  return (
    error instanceof Problem &&
    (error.status === 0 || error.status === 408 || error.status === 429 || error.status >= 500)
  );
}
