const STORE = 'tintype.recents';
const MOST = 8;

function read(): string[] {
  try {
    const words: unknown = JSON.parse(localStorage.getItem(STORE) ?? '[]');
    return Array.isArray(words) ? words.filter((word) => typeof word === 'string') : [];
  } catch {
    return [];
  }
}

/** What was looked for lately, newest first; known to this browser alone. */
class Recents {
  words = $state.raw<string[]>(read());

  add(word: string): void {
    this.#keep([word, ...this.words.filter((other) => other !== word)].slice(0, MOST));
  }

  remove(word: string): void {
    this.#keep(this.words.filter((other) => other !== word));
  }

  clear(): void {
    this.#keep([]);
  }

  #keep(words: string[]): void {
    this.words = words;
    try {
      localStorage.setItem(STORE, JSON.stringify(words));
    } catch {
      // Then they last until the page is closed.
    }
  }
}

export const recents = new Recents();
