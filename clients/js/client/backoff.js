/** @import {Clock} from './clock.js' */

const FIRST_MS = 500;
const LONGEST_MS = 30_000;

/**
 * How long to wait before the next try. The pause doubles with every failure, and chance picks its length between half
 * and all of it, so that the clients of a server that has come back do not all knock at once.
 *
 * @param {number} failures how many tries have failed before this one, from 0
 * @param {() => number} random
 * @returns {number} milliseconds
 */
export function backoffMs(failures, random) {
  const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures, 16));
  return Math.round(longest * (0.5 + random() / 2));
}

/**
 * Repeats `attempt` with growing pauses as long as it fails for a passing reason, which an error tells by its `passing`.
 *
 * @template T
 * @param {() => Promise<T>} attempt must be safe to repeat
 * @param {object} options
 * @param {Clock} options.clock
 * @param {() => boolean} [options.stopped] asked after each failure
 * @returns {Promise<T>} rejects with the first lasting error, or with the latest one when stopped
 */
export async function persist(attempt, { clock, stopped = () => false }) {
  for (let failures = 0; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      const { passing, retryAfterMs } = /** @type {{passing?: boolean, retryAfterMs?: number}} */ (error);
      if (!passing || stopped()) throw error;
      await new Promise((wake) => clock.after(retryAfterMs ?? backoffMs(failures, clock.random), () => wake(0)));
      if (stopped()) throw error;
    }
  }
}
