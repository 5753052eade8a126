export interface Question {
  title: string;
  text: string;
  /** The word on the button that does it. */
  action: string;
  danger?: boolean;
}

class Asking {
  open = $state.raw<Question | null>(null);
  #answer: ((yes: boolean) => void) | null = null;

  ask(question: Question): Promise<boolean> {
    this.#answer?.(false);
    this.open = question;
    return new Promise((resolve) => (this.#answer = resolve));
  }

  answer(yes: boolean): void {
    this.open = null;
    this.#answer?.(yes);
    this.#answer = null;
  }
}

export const asking = new Asking();

/** Asks the person before something that cannot be taken back. */
export const ask = (question: Question): Promise<boolean> => asking.ask(question);
