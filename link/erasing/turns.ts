/** Long work on texts in a process that also serves: others get their turn in between. */
import { setImmediate } from 'node:timers/promises';

const TURN_MS = 20;

/** A function to await between two pieces of work: it gives way when a turn is over. */
export function turns(): () => Promise<void> | undefined {
  let began = performance.now();
  return () => {
    if (performance.now() - began < TURN_MS) return undefined;
    return setImmediate().then(() => {
      began = performance.now();
    });
  };
}
