import { untrack } from 'svelte';

export interface Toast {
  id: number;
  text: string;
  tone: 'plain' | 'bad';
  action?: { label: string; act: () => void };
}

const STAYS_MS = 6000;
let ids = 0;

class Toasts {
  shown = $state<Toast[]>([]);
  #hosts = $state.raw<symbol[]>([]);
  readonly #timers = new Map<number, number>();

  /** Who draws the toasts: the host that came last. */
  get host(): symbol | undefined {
    return this.#hosts.at(-1);
  }

  /** Registers a place that can draw them; the answer takes it back. */
  hostedBy(host: symbol): () => void {
    this.#hosts = [...untrack(() => this.#hosts), host];
    return () => {
      this.#hosts = this.#hosts.filter((other) => other !== host);
    };
  }

  say(text: string, action?: Toast['action']): number {
    return this.#add({ id: ++ids, text, tone: 'plain', ...(action && { action }) });
  }

  /** Something failed: names what, and offers to try again where that can help. */
  fail(text: string, again?: () => void): number {
    return this.#add({
      id: ++ids,
      text,
      tone: 'bad',
      ...(again && { action: { label: 'Try again', act: again } }),
    });
  }

  dismiss(id: number): void {
    window.clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
    this.shown = this.shown.filter((toast) => toast.id !== id);
  }

  /** Keeps a toast while a pointer or the focus is on it. */
  hold(id: number): void {
    window.clearTimeout(this.#timers.get(id));
  }

  release(id: number): void {
    this.hold(id);
    this.#timers.set(
      id,
      window.setTimeout(() => this.dismiss(id), STAYS_MS),
    );
  }

  /**
   * Does something that can be taken back for a while: `commit` runs when the time is over or the
   * page is left, unless the person chose to undo.
   */
  undoable(text: string, commit: (leaving: boolean) => void, undo: () => void): void {
    let open = true;
    const finish = (leaving: boolean) => {
      if (!open) return;
      open = false;
      window.removeEventListener('pagehide', leave);
      window.clearTimeout(timer);
      commit(leaving);
    };
    const leave = () => finish(true);
    const timer = window.setTimeout(() => finish(false), STAYS_MS);
    window.addEventListener('pagehide', leave);
    this.say(text, {
      label: 'Undo',
      act: () => {
        if (!open) return;
        open = false;
        window.clearTimeout(timer);
        window.removeEventListener('pagehide', leave);
        undo();
      },
    });
  }

  #add(toast: Toast): number {
    this.shown = [...this.shown.slice(-2), toast];
    this.release(toast.id);
    return toast.id;
  }
}

export const toasts = new Toasts();
