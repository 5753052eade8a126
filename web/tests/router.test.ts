import { describe, expect, it } from 'vitest';
import { fill, match } from '../src/router/match';
import { href, placeOf, routes } from '../src/router/routes';
import { nextPath } from '../src/session/next';

describe('a pattern', () => {
  it('gives the parameters of a path it matches', () => {
    expect(match('/@:handle/followers', '/@ada/followers')).toEqual({ handle: 'ada' });
    expect(match('/p/:id', '/p/123')).toEqual({ id: '123' });
  });

  it('does not match another length, another word or an empty parameter', () => {
    expect(match('/p/:id', '/p')).toBeNull();
    expect(match('/p/:id', '/p/1/2')).toBeNull();
    expect(match('/@:handle', '/ada')).toBeNull();
    expect(match('/@:handle', '/@')).toBeNull();
  });

  it('forgives one trailing slash', () => {
    expect(match('/p/:id', '/p/1/')).toEqual({ id: '1' });
    expect(match('/', '/')).toEqual({});
  });

  it('does not match what is not percent-encoded right', () => {
    expect(match('/t/:tag', '/t/%E0%A4%A')).toBeNull();
  });

  it.each(['عمان', 'a b', 'c/d', '100%', '☀️', 'plain'])('survives a round trip with %s', (tag) => {
    expect(match('/t/:tag', fill('/t/:tag', { tag }))).toEqual({ tag });
  });
});

describe('the route table', () => {
  it('finds every one of its own patterns', () => {
    for (const [name, pattern] of Object.entries(routes)) {
      const path = pattern.replaceAll(/:\w+/g, 'x');
      expect(placeOf(path).name).toBe(name);
    }
  });

  it('keeps the query apart and names what it does not know', () => {
    expect(placeOf('/search?q=a')).toMatchObject({ name: 'search', search: '?q=a' });
    expect(placeOf('/nope/at/all').name).toBe('missing');
  });

  it('builds the addresses of pages', () => {
    expect(href('home')).toBe('/');
    expect(href('followers', { handle: 'ada' })).toBe('/@ada/followers');
  });
});

describe('where to go after signing in', () => {
  it('stays on this site', () => {
    expect(nextPath('?next=%2Fp%2F1')).toBe('/p/1');
    for (const evil of ['//evil.example', '/\\evil.example', 'https://evil.example', 'p', '']) {
      expect(nextPath(`?next=${encodeURIComponent(evil)}`)).toBe('/');
    }
  });
});
