export type Theme = 'auto' | 'light' | 'dark';

const YEAR_S = 31_536_000;

function kept(name: string): string | null {
  try {
    return localStorage.getItem(`tintype.${name}`);
  } catch {
    return null;
  }
}

function keep(name: string, value: string): void {
  try {
    localStorage.setItem(`tintype.${name}`, value);
  } catch {
    // A browser that forbids storage keeps the choice until the page is closed.
  }
}

function themeOf(root: HTMLElement): Theme {
  const drawn = root.dataset['theme'];
  const wanted = /(?:^|; )theme=(\w+)/.exec(document.cookie)?.[1];
  for (const theme of [drawn, wanted]) if (theme === 'light' || theme === 'dark') return theme;
  return 'auto';
}

const first = themeOf(document.documentElement);
// Where nothing drew the page in the wanted theme, this does, before the first paint of the app.
document.documentElement.dataset['theme'] = first;

/** What this browser prefers; nothing here is known to other devices. */
class Preferences {
  #theme = $state<Theme>(first);
  #autoplay = $state(kept('autoplay') !== 'off');
  #shortcuts = $state(kept('shortcuts') !== 'off');
  #hideSeen = $state(kept('seen') === 'hide');
  /** Videos start without sound; one choice for all of them, until the page is closed. */
  muted = $state(true);

  get theme(): Theme {
    return this.#theme;
  }

  /** A cookie, so that the server can draw the page in it before any script runs. */
  set theme(theme: Theme) {
    this.#theme = theme;
    document.documentElement.dataset['theme'] = theme;
    document.cookie = `theme=${theme}; Path=/; Max-Age=${YEAR_S}; SameSite=Lax`;
  }

  get autoplay(): boolean {
    return this.#autoplay;
  }

  set autoplay(on: boolean) {
    this.#autoplay = on;
    keep('autoplay', on ? 'on' : 'off');
  }

  get shortcuts(): boolean {
    return this.#shortcuts;
  }

  set shortcuts(on: boolean) {
    this.#shortcuts = on;
    keep('shortcuts', on ? 'on' : 'off');
  }

  /** Whether the feed passes over posts that were seen before. */
  get hideSeen(): boolean {
    return this.#hideSeen;
  }

  set hideSeen(on: boolean) {
    this.#hideSeen = on;
    keep('seen', on ? 'hide' : 'show');
  }

  /** Whether videos may start by themselves: by choice, motion setting and data saving. */
  get plays(): boolean {
    const connection = (navigator as { connection?: { saveData?: boolean } }).connection;
    return (
      this.#autoplay &&
      connection?.saveData !== true &&
      !matchMedia('(prefers-reduced-motion: reduce)').matches
    );
  }
}

export const preferences = new Preferences();
