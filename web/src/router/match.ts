/** Path patterns such as `/@:handle/followers`: a segment may end in one `:name`. */

type Tail<S extends string> = S extends `${string}:${infer Name}` ? Name : never;
type Names<P extends string> = P extends `${infer Segment}/${infer Rest}`
  ? Tail<Segment> | Names<Rest>
  : Tail<P>;

/** The parameters of a pattern, by name: `ParamsOf<'/p/:id'>` is `{ id: string }`. */
export type ParamsOf<P extends string> = Record<Names<P>, string>;

interface Segment {
  prefix: string;
  name: string | null;
}

function segments(pattern: string): Segment[] {
  return pattern.split('/').map((text) => {
    const at = text.indexOf(':');
    return at < 0
      ? { prefix: text, name: null }
      : { prefix: text.slice(0, at), name: text.slice(at + 1) };
  });
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** The parameters of `path` under `pattern`, or null. One trailing slash is forgiven. */
export function match<P extends string>(pattern: P, path: string): ParamsOf<P> | null {
  const plain = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
  const wanted = segments(pattern);
  const given = plain.split('/');
  if (given.length !== wanted.length) return null;
  const params: Record<string, string> = {};
  for (const [index, segment] of wanted.entries()) {
    const text = decode(given[index] ?? '');
    if (text === null) return null;
    if (segment.name === null) {
      if (text !== segment.prefix) return null;
      continue;
    }
    if (!text.startsWith(segment.prefix) || text.length === segment.prefix.length) return null;
    params[segment.name] = text.slice(segment.prefix.length);
  }
  return params as ParamsOf<P>;
}

/** The path of a pattern with its parameters filled in and encoded. */
export function fill<P extends string>(pattern: P, params: ParamsOf<P>): string {
  const values: Record<string, string> = params;
  return segments(pattern)
    .map(({ prefix, name }) =>
      name === null ? prefix : prefix + encodeURIComponent(values[name] ?? ''),
    )
    .join('/');
}
