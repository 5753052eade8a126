import type { Component } from 'svelte';
import Home from '../pages/Home.svelte';
import type { Place } from './routes';

// A page takes the parameters of its route as props; the router is the only caller, so the
// parameter names are checked by the tests of the routes and not by each component's type.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type PageComponent = Component<any>;

type Load = () => Promise<{ default: PageComponent }>;

const people: Load = () => import('../pages/People.svelte');
const settings: Load = () => import('../pages/Settings.svelte');

const loaders: Record<Exclude<Place['name'], 'home'>, Load> = {
  signIn: () => import('../pages/SignIn.svelte'),
  signUp: () => import('../pages/SignUp.svelte'),
  setUp: () => import('../pages/SetUp.svelte'),
  compose: () => import('../pages/Compose.svelte'),
  search: () => import('../pages/Search.svelte'),
  notifications: () => import('../pages/Notifications.svelte'),
  requests: () => import('../pages/Requests.svelte'),
  saved: () => import('../pages/Saved.svelte'),
  settings,
  settingsSection: settings,
  post: () => import('../pages/Post.svelte'),
  tag: () => import('../pages/Tag.svelte'),
  profile: () => import('../pages/Profile.svelte'),
  followers: people,
  following: people,
  missing: () => import('../pages/Missing.svelte'),
};

const loaded = new Map<Load, PageComponent>();

/** The component of a place; the feed comes with the entry, the others on demand, once. */
export function pageOf(name: Place['name']): PageComponent | Promise<PageComponent> {
  if (name === 'home') return Home;
  const load = loaders[name];
  const known = loaded.get(load);
  if (known) return known;
  return load().then((module) => {
    loaded.set(load, module.default);
    return module.default;
  });
}
