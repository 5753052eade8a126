import { tick } from 'svelte';
import { pageOf, type PageComponent } from './pages';
import { placeOf, type Place } from './routes';
import { keepPosition, restorePosition, savePositions, toTop } from './scroll';

interface Entry {
  key: string;
  /** The page that stays mounted below, when this entry is shown as an overlay. */
  below?: string;
}

interface Shown {
  place: Place;
  Page: PageComponent;
}

interface Move {
  replace?: boolean;
  /** Show the target above the current page, which stays as it is. */
  overlay?: boolean;
}

let keys = 0;
const newKey = (): string => `${Date.now().toString(36)}.${keys++}`;
const currentUrl = (): string => location.pathname + location.search;

class Router {
  /** The page, and the overlay above it when there is one. */
  page = $state.raw<Shown | null>(null);
  overlay = $state.raw<Shown | null>(null);
  /** A page is on its way. */
  loading = $state(false);
  failed = $state(false);

  #entry: Entry = { key: 'first' };
  #turn = 0;
  #depth = 0;

  /** Where the reader is, the overlay counting. */
  get place(): Place | null {
    return (this.overlay ?? this.page)?.place ?? null;
  }

  /** Starts to follow the address bar and the links of the page. */
  async start(): Promise<void> {
    history.scrollRestoration = 'manual';
    const kept = history.state as Partial<Entry> | null;
    // An overlay does not survive a reload: its address is a full page.
    this.#entry = { key: kept?.key ?? newKey() };
    history.replaceState(this.#entry, '');
    window.addEventListener('popstate', (event) => void this.#onPop(event));
    window.addEventListener('pagehide', () => {
      if (!this.overlay) keepPosition(this.#entry.key);
      savePositions();
    });
    document.addEventListener('click', (event) => this.#onClick(event));
    for (const hint of ['pointerover', 'touchstart', 'focusin'] as const) {
      document.addEventListener(hint, (event) => this.#onHint(event), { passive: true });
    }
    await this.#show(currentUrl(), this.#entry, false);
  }

  /** Brings a reloaded page back to where it was; called once it is drawn. */
  settle(): void {
    restorePosition(this.#entry.key);
  }

  /** Goes to a path of this client. */
  async go(url: string, { replace = false, overlay = false }: Move = {}): Promise<void> {
    if (url === currentUrl() && !replace) {
      window.scrollTo({ top: 0, behavior: 'smooth' });
      return;
    }
    this.#leave();
    const below = overlay ? (this.#entry.below ?? currentUrl()) : undefined;
    this.#entry = { key: newKey(), ...(below !== undefined && { below }) };
    if (replace) {
      history.replaceState(this.#entry, '', url);
    } else {
      history.pushState(this.#entry, '', url);
      this.#depth += 1;
    }
    if (await this.#show(url, this.#entry, true)) {
      if (!overlay) toTop();
    }
  }

  /** One step back; the feed where there is nothing to go back to. */
  back(): void {
    if (this.#depth > 0) history.back();
    else void this.go('/', { replace: true });
  }

  retry(): void {
    void this.#show(currentUrl(), this.#entry, true);
  }

  async #onPop(event: PopStateEvent): Promise<void> {
    this.#leave();
    this.#depth = Math.max(0, this.#depth - 1);
    const wasOverlay = this.overlay !== null;
    const pageBefore = this.page?.place.path;
    this.#entry = (event.state as Entry | null) ?? { key: newKey() };
    if (!(await this.#show(currentUrl(), this.#entry, true))) return;
    const sameBelow = wasOverlay && this.page?.place.path === pageBefore;
    if (!this.overlay && !sameBelow) restorePosition(this.#entry.key);
  }

  #leave(): void {
    if (!this.overlay && this.#entry.below === undefined) keepPosition(this.#entry.key);
  }

  /** Loads and shows a place; false when another move overtook it. */
  async #show(url: string, entry: Entry, announce: boolean): Promise<boolean> {
    const turn = ++this.#turn;
    const place = placeOf(url);
    const below = entry.below === undefined ? null : placeOf(entry.below);
    const before = this.page;
    this.failed = false;
    try {
      let top = pageOf(place.name);
      let base = below && pageOf(below.name);
      if (top instanceof Promise || base instanceof Promise) {
        this.loading = true;
        [top, base] = await Promise.all([top, base]);
      }
      if (turn !== this.#turn) return false;
      if (below && base) {
        const stays = this.page?.place.path === below.path;
        if (!stays) this.page = { place: below, Page: base };
        this.overlay = { place, Page: top };
      } else {
        const stays =
          this.overlay !== null &&
          this.page?.place.path === place.path &&
          this.page.place.search === place.search;
        if (!stays) this.page = { place, Page: top };
        this.overlay = null;
      }
    } catch {
      if (turn !== this.#turn) return false;
      this.failed = true;
    } finally {
      if (turn === this.#turn) this.loading = false;
    }
    await tick();
    // Below a closed overlay the page is as it was, and the overlay gave the focus back.
    if (announce && !this.overlay && (this.failed || this.page !== before)) focusPage();
    return true;
  }

  #onClick(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = linkOf(event);
    if (!link || link.target || link.hasAttribute('download')) return;
    if (link.origin !== location.origin) return;
    if (link.pathname.startsWith('/v1/') || link.pathname === '/docs') return;
    event.preventDefault();
    const url = link.pathname + link.search;
    void this.go(url, {
      overlay: link.dataset['overlay'] !== undefined && window.innerWidth >= 768,
    });
  }

  #onHint(event: Event): void {
    const link = linkOf(event);
    if (!link || link.origin !== location.origin || link.target) return;
    // A hint that fails costs nothing; the click tries again and says so.
    Promise.resolve(pageOf(placeOf(link.pathname).name)).catch(() => undefined);
  }
}

function linkOf(event: Event): HTMLAnchorElement | null {
  return event.target instanceof Element
    ? event.target.closest<HTMLAnchorElement>('a[href]')
    : null;
}

/** Keyboard and screen reader continue where the page asks for it, else at its heading. */
function focusPage(): void {
  const wanted = document.querySelector<HTMLElement>('main [data-first-focus]');
  if (wanted) {
    wanted.focus({ preventScroll: true });
    return;
  }
  const heading = document.querySelector<HTMLElement>('main h1');
  heading?.setAttribute('tabindex', '-1');
  heading?.focus({ preventScroll: true });
}

export const router = new Router();
