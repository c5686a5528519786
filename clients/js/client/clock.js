/**
 * Time and chance. Everything that waits takes a clock, so that a test can hand in one that it moves by hand.
 *
 * @typedef {object} Clock
 * @property {() => number} now milliseconds since 1970
 * @property {(ms: number, run: () => void) => () => void} after runs once, that much later; the answer calls it off
 * @property {() => number} random a number in [0, 1)
 */

/** @type {Clock} */
export const systemClock = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};
