import type { FieldError, ProblemBody } from './types';

/** An answer that is not a success, or no answer at all (status 0). */
export class Problem extends Error {
  readonly status: number;
  readonly type: string;
  readonly title: string;
  readonly errors: readonly FieldError[];
  readonly parts: readonly number[];

  constructor(body: ProblemBody) {
    super(body.detail ?? body.title);
    this.name = 'Problem';
    this.status = body.status;
    this.type = body.type;
    this.title = body.title;
    this.errors = body.errors ?? [];
    this.parts = body.parts ?? [];
  }

  /** What the server says about one field, by its name in the body; empty when it says nothing. */
  about(field: string): string {
    return this.errors
      .filter((error) => error.pointer.replace(/^#?\//, '').split('/')[0] === field)
      .map((error) => error.detail)
      .join(' ');
  }
}

export function unreachable(): Problem {
  return new Problem({
    type: 'about:blank',
    title: 'No connection',
    status: 0,
    detail: 'The server cannot be reached. Check your connection and try again.',
  });
}

/** The problem in an answer; a made-up one where the body is not problem+json. */
export async function problemOf(response: Response): Promise<Problem> {
  const type = response.headers.get('content-type') ?? '';
  if (type.includes('json')) {
    try {
      const body = (await response.json()) as Partial<ProblemBody>;
      return new Problem({
        ...body,
        type: body.type ?? 'about:blank',
        title: body.title ?? response.statusText,
        status: response.status,
      });
    } catch {
      // A body cut short tells no more than its status.
    }
  }
  return new Problem({
    type: 'about:blank',
    title: response.statusText,
    status: response.status,
    detail: describe(response.status),
  });
}

function describe(status: number): string {
  if (status === 413) return 'That is larger than this server accepts.';
  if (status === 429) return 'Too many requests. Wait a moment and try again.';
  if (status >= 500) return 'The server had a problem. Try again in a moment.';
  return 'That did not work.';
}

/** What to tell a person about anything that was thrown. */
export function reasonOf(error: unknown): string {
  return error instanceof Problem ? error.message : 'Something went wrong. Try again.';
}
