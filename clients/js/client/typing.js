/** @import {Clock} from './types.js' */

const REPEAT_MS = 3000;
const IDLE_MS = 4000;
const FORGET_MS = 8000;

/** Says that somebody is typing: at once, again every few seconds while it goes on, and when it ends. */
export class SayTyping {
  #say;
  #clock;
  #saidAt = 0;
  #callOff = () => {};

  /**
   * @param {(active: boolean) => void} say
   * @param {Clock} clock
   */
  constructor(say, clock) {
    this.#say = say;
    this.#clock = clock;
  }

  /**
   * Call it at every change of the text.
   *
   * @param {boolean} hasText
   */
  changed(hasText) {
    if (!hasText) return this.stop();
    this.#callOff();
    this.#callOff = this.#clock.after(IDLE_MS, () => this.stop());
    if (this.#clock.now() - this.#saidAt < REPEAT_MS) return;
    this.#saidAt = this.#clock.now();
    this.#say(true);
  }

  stop() {
    this.#callOff();
    if (this.#saidAt) this.#say(false);
    this.#saidAt = 0;
  }
}

/** Remembers who is typing, and forgets those whose last word on it may have been lost. */
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

  /** The names of those who type now; null where one has none. */
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
      const callOff = this.#clock.after(FORGET_MS, () => this.saw(key, name, false));
      this.#typing.set(key, { name, callOff });
    }
    this.#onChange();
  }
}
