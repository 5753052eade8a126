import { like, save } from '../post/actions';
import { router } from '../router/router.svelte';
import { href } from '../router/routes';
import { preferences } from '../session/preferences.svelte';
import { session } from '../session/session.svelte';
import { entities } from '../store/entities.svelte';
import type { Post } from '../api/types';

class Help {
  open = $state(false);
}

export const help = new Help();

const LEAD_MS = 1200;
let lead = 0;

const articles = (): HTMLElement[] => [...document.querySelectorAll<HTMLElement>('[data-post]')];

/** The post that has the focus, or else the one across the middle of the window. */
function current(): HTMLElement | undefined {
  const focused = document.activeElement?.closest<HTMLElement>('[data-post]');
  const middle = window.innerHeight / 2;
  return (
    focused ??
    articles().find((article) => {
      const { top, bottom } = article.getBoundingClientRect();
      return top <= middle && bottom >= middle;
    })
  );
}

function step(by: 1 | -1): void {
  const all = articles();
  const focused = document.activeElement?.closest<HTMLElement>('[data-post]');
  const at = focused ? all.indexOf(focused) + by : 0;
  const target = all[at];
  target?.focus({ preventScroll: true });
  target?.scrollIntoView({ block: 'start' });
}

function withPost(act: (post: Post) => void): void {
  const id = current()?.dataset['post'];
  const post = id === undefined ? undefined : entities.knownPost(id);
  if (post) act(post);
}

function open(post: Post): void {
  void router.go(href('post', { id: post.id }), { overlay: window.innerWidth >= 768 });
}

const keys: Record<string, () => void> = {
  j: () => step(1),
  k: () => step(-1),
  l: () => withPost((post) => like(post, !post.viewer.liked)),
  s: () => withPost((post) => save(post, !post.viewer.saved)),
  o: () => withPost(open),
  c: () => withPost(open),
  n: () => void router.go(href('compose')),
  '/': () => void router.go(href('search')),
  '?': () => {
    help.open = true;
  },
};

const afterG: Record<string, () => void> = {
  h: () => void router.go('/'),
  n: () => void router.go(href('notifications')),
  s: () => void router.go(href('saved')),
  p: () => {
    if (session.viewer) void router.go(href('profile', { handle: session.viewer.handle }));
  },
};

function onKey(event: KeyboardEvent): void {
  if (!preferences.shortcuts || !session.viewer || event.defaultPrevented) return;
  if (event.metaKey || event.ctrlKey || event.altKey || event.isComposing) return;
  const target = event.target;
  if (
    target instanceof HTMLElement &&
    target.matches('input, textarea, select, [contenteditable]')
  ) {
    return;
  }
  if (document.querySelector('dialog[open]')) return;
  const now = performance.now();
  const act = now < lead ? afterG[event.key] : keys[event.key];
  lead = event.key === 'g' && now >= lead ? now + LEAD_MS : 0;
  if (!act) return;
  event.preventDefault();
  act();
}

/** Single-letter keys, unless they are turned off in the settings. */
export function watchKeys(): () => void {
  document.addEventListener('keydown', onKey);
  return () => document.removeEventListener('keydown', onKey);
}
