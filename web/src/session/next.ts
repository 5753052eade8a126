/** Where to go after signing in: a path of this site, or the feed. */
export function nextPath(search: string): string {
  const next = new URLSearchParams(search).get('next') ?? '/';
  // `//host` and `/\host` would leave the site.
  return /^\/(?![/\\])/.test(next) ? next : '/';
}
