/** @import {Clock} from './types.js' */

const FIRST_MS = 500;
const LONGEST_MS = 30_000;
const TYPING_REPEAT_MS = 3000;
/** Longer than a repeat takes, since nobody says that typing has paused. */
const TYPING_FORGET_MS = 5000;

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
 * It doubles, and chance takes up to half away, so that not all clients come back at once.
 *
 * @param {number} failures
 * @param {Clock} clock
 */
export function backoffMs(failures, clock) {
  return Math.min(LONGEST_MS, FIRST_MS * 2 ** failures) * (0.5 + clock.random() / 2);
}

/**
 * Repeats what is safe to repeat while it fails for a reason that is `passing`.
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

export class SayTyping {
  #say;
  #clock;
  #saidAt = 0;

  /**
   * @param {(active: boolean) => void} say
   * @param {Clock} clock
   */
  constructor(say, clock) {
    this.#say = say;
    this.#clock = clock;
  }

  /** @param {boolean} hasText */
  changed(hasText) {
    if (!hasText) return this.stop();
    if (this.#clock.now() - this.#saidAt < TYPING_REPEAT_MS) return;
    this.#saidAt = this.#clock.now();
    this.#say(true);
  }

  stop() {
    if (this.#saidAt) this.#say(false);
    this.#saidAt = 0;
  }
}

export class SeenTyping {
  #onChange;
  #clock;
  /** @type {Map<string, {name: string | null, callOff: () => void}>} */
  #typing = new Map();

  /**
   * @param {() => void} onChange
   * @param {Clock} clock
   */
  constructor(onChange, clock) {
    this.#onChange = onChange;
    this.#clock = clock;
  }

  get names() {
    return [...this.#typing.values()].map(({ name }) => name);
  }

  /**
   * @param {string} key of the one who types
   * @param {string | null} name
   * @param {boolean} active
   */
  saw(key, name, active) {
    this.#typing.get(key)?.callOff();
    this.#typing.delete(key);
    if (active) {
      const callOff = this.#clock.after(TYPING_FORGET_MS, () => this.saw(key, name, false));
      this.#typing.set(key, { name, callOff });
    }
    this.#onChange();
  }
}
