import { Problem, reasonOf } from '../api/problem';

/** Sends a form, and holds what the server has against it. */
export class Form {
  busy = $state(false);
  problem = $state.raw<Problem | null>(null);
  #general = $state('');
  readonly #fields: readonly string[];

  /** @param fields The names of the body's fields that have a place to show an error. */
  constructor(fields: readonly string[]) {
    this.#fields = fields;
  }

  /** What is wrong apart from single fields. */
  get general(): string {
    return this.#general;
  }

  about(field: string): string {
    return this.problem?.about(field) ?? '';
  }

  /** Runs `send`; true when it went through. */
  async submit(send: () => Promise<void>): Promise<boolean> {
    if (this.busy) return false;
    this.busy = true;
    this.problem = null;
    this.#general = '';
    try {
      await send();
      return true;
    } catch (error) {
      if (error instanceof Problem) this.problem = error;
      const shown = this.#fields.some((field) => this.about(field) !== '');
      if (!shown) this.#general = reasonOf(error);
      return false;
    } finally {
      this.busy = false;
    }
  }
}
