import { fill, match, type ParamsOf } from './match';

/** Every page of the client. The first pattern that matches wins. */
export const routes = {
  home: '/',
  signIn: '/signin',
  signUp: '/signup',
  setUp: '/setup',
  compose: '/new',
  search: '/search',
  notifications: '/notifications',
  requests: '/requests',
  saved: '/saved',
  settings: '/settings',
  settingsSection: '/settings/:section',
  post: '/p/:id',
  tag: '/t/:tag',
  profile: '/@:handle',
  followers: '/@:handle/followers',
  following: '/@:handle/following',
} as const;

export type RouteName = keyof typeof routes;
export type Params<N extends RouteName> = ParamsOf<(typeof routes)[N]>;

export interface Place {
  name: RouteName | 'missing';
  params: Record<string, string>;
  path: string;
  search: string;
}

/** Where a path with an optional query leads. */
export function placeOf(url: string): Place {
  const at = url.indexOf('?');
  const path = at < 0 ? url : url.slice(0, at);
  const search = at < 0 ? '' : url.slice(at);
  for (const [name, pattern] of Object.entries(routes)) {
    const params = match(pattern, path);
    if (params) return { name: name as RouteName, params, path, search };
  }
  return { name: 'missing', params: {}, path, search };
}

type Arguments<N extends RouteName> = keyof Params<N> extends never ? [] : [Params<N>];

export function href<N extends RouteName>(name: N, ...[params]: Arguments<N>): string {
  return fill(routes[name], (params ?? {}) as Params<N>);
}
