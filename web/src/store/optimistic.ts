/** One switch that answers at once and tells the server behind it. */
export interface Switch<A> {
  /** Shows a state; called at once and, when the server refuses, with the state before. */
  apply: (on: boolean) => void;
  send: (on: boolean) => Promise<A>;
  /** The server's last answer, once nothing more is wanted. */
  settle?: (answer: A) => void;
  failed: (error: unknown, wanted: boolean) => void;
}

interface Running {
  wanted: boolean;
}

const running = new Map<string, Running>();

/** Whether a switch is still waiting for the server. */
export const isRunning = (key: string): boolean => running.has(key);

/**
 * Turns the switch `key`. Taps while a request is under way are folded: requests never overlap,
 * and the last tap wins. On failure the state the server last confirmed is shown again.
 */
export async function turn<A>(key: string, on: boolean, how: Switch<A>): Promise<void> {
  how.apply(on);
  const busy = running.get(key);
  if (busy) {
    busy.wanted = on;
    return;
  }
  const mine: Running = { wanted: on };
  running.set(key, mine);
  let confirmed = !on;
  try {
    for (;;) {
      const sending = mine.wanted;
      const answer = await how.send(sending);
      confirmed = sending;
      if (mine.wanted === sending) {
        running.delete(key);
        how.settle?.(answer);
        return;
      }
    }
  } catch (error) {
    const wanted = mine.wanted;
    if (wanted !== confirmed) how.apply(confirmed);
    how.failed(error, wanted);
  } finally {
    running.delete(key);
  }
}
