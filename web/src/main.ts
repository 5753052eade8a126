import { mount } from 'svelte';
import './styles/tokens.css';
import './styles/base.css';
// The server names this file as the page's icon; importing it puts it into the manifest.
import './icon.svg?url';
import App from './App.svelte';
import { reasonOf } from './api/problem';
import { router } from './router/router.svelte';
import { bootOf } from './session/boot';
import { session } from './session/session.svelte';
import { mayHold } from './upload/shelf';

/** What only somebody who signed in can use; links to them lead visitors to the door. */
const OWN_PAGES = ['/new', '/notifications', '/requests', '/saved'];

async function start(target: HTMLElement): Promise<void> {
  await session.start(bootOf(document));
  // Whoever comes to the front door of a server without an administrator most likely runs it.
  if (session.instance?.setup_required && !session.viewer && location.pathname === '/') {
    history.replaceState(null, '', `/setup${location.search}`);
  }
  if (!session.viewer && OWN_PAGES.includes(location.pathname)) {
    const next = encodeURIComponent(location.pathname + location.search);
    history.replaceState(null, '', `/signin?next=${next}`);
  }
  await router.start();
  target.replaceChildren();
  mount(App, { target });
  router.settle();
  if (!session.viewer) return;
  if (mayHold()) {
    const { resumeUploads } = await import('./upload/resume');
    await resumeUploads();
  }
}

/** Without any app there is only plain text, and a way to try again. */
function giveUp(target: HTMLElement, error: unknown): void {
  const text = document.createElement('p');
  text.textContent = reasonOf(error);
  const again = document.createElement('button');
  again.textContent = 'Try again';
  again.className = 'icon-button';
  again.addEventListener('click', () => location.reload());
  const box = document.createElement('div');
  box.className = 'page';
  box.append(text, again);
  target.replaceChildren(box);
}

const target = document.getElementById('app');
if (target) start(target).catch((error: unknown) => giveUp(target, error));
