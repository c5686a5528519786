/** @import {Clock} from './types.js' */

const FIRST_MS = 500;
const LONGEST_MS = 30_000;

/** @type {Clock} */
export const systemClock = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};

/**
 * How long to wait after so many failures. The pause doubles, and chance picks between half and all of it, so that the
 * clients of a server that has come back do not all knock at once.
 *
 * @param {number} failures
 * @param {Clock} clock
 */
export function backoffMs(failures, clock) {
  return Math.min(LONGEST_MS, FIRST_MS * 2 ** failures) * (0.5 + clock.random() / 2);
}

/**
 * Repeats what is safe to repeat for as long as it fails for a passing reason, which an error tells by its `passing`.
 *
 * @template T
 * @param {() => Promise<T>} attempt
 * @param {Clock} clock
 * @param {() => boolean | void} [failed] called before each pause; true gives up
 * @returns {Promise<T>}
 */
export async function persist(attempt, clock, failed) {
  for (let failures = 0; ; failures++) {
    try {
      return await attempt();
    } catch (/** @type {any} */ error) {
      if (!error.passing || failed?.()) throw error;
      await new Promise((wake) => clock.after(error.retryAfterMs ?? backoffMs(failures, clock), () => wake(0)));
    }
  }
}
