/**
 * @import {LogEvent, LogPage} from './wire.js'
 * @import {Clock} from './clock.js'
 */
import { persist } from './backoff.js';
import { Log } from './log.js';

/** How long a gap may stand before it is paged: a replay that is under way closes most of them by itself. */
const PATIENCE_MS = 400;
const PAGE = 50;
const CATCH_UP_PAGE = 200;

/** Keeps one conversation's log whole: it pages what the socket did not bring. */
export class Follower {
  log = new Log();
  #events;
  #onChange;
  #clock;
  #stopped = false;
  /** Tells an answer that a later reset has made stale. */
  #turn = 0;
  #filling = false;
  #loadingOlder = false;

  /**
   * @param {object} options
   * @param {(range: {after?: number, before?: number, limit?: number}) => Promise<LogPage>} options.events
   * @param {() => void} options.onChange
   * @param {Clock} options.clock
   */
  constructor({ events, onChange, clock }) {
    this.#events = events;
    this.#onChange = onChange;
    this.#clock = clock;
  }

  /** Drops what is held and pages the newest again. It rejects only for a lasting reason. */
  async load() {
    const turn = ++this.#turn;
    this.log.clear();
    const page = await this.#page({ limit: PAGE }, turn);
    if (!page) return;
    this.log.adopt(page);
    this.#changed();
  }

  /** Pages what lies before the first event, once at a time. */
  async loadOlder() {
    if (this.#loadingOlder || !this.log.hasOlder) return;
    this.#loadingOlder = true;
    try {
      const page = await this.#page({ before: this.log.first, limit: PAGE }, this.#turn);
      if (page) this.log.prepend(page);
    } finally {
      this.#loadingOlder = false;
    }
    this.#onChange();
  }

  /** @param {LogEvent} event */
  accept(event) {
    const fate = this.log.accept(event);
    if (fate === 'foreign') this.load().catch(() => {});
    if (fate === 'added') this.#onChange();
    if (fate === 'held' && this.log.loaded) this.#fillSoon();
  }

  /** Pages everything above the last event. */
  async fill() {
    if (this.#filling || !this.log.loaded) return;
    this.#filling = true;
    const turn = this.#turn;
    try {
      for (;;) {
        const page = await this.#page({ after: this.log.last, limit: CATCH_UP_PAGE }, turn);
        if (!page) return;
        if (!this.log.extend(page)) return void (await this.load());
        if (this.log.last >= page.seq || page.data.length === 0) break;
      }
      this.#onChange();
    } finally {
      this.#filling = false;
    }
  }

  stop() {
    this.#stopped = true;
    this.#turn++;
  }

  /**
   * @param {{after?: number, before?: number, limit?: number}} range
   * @param {number} turn
   * @returns {Promise<LogPage | null>} null where nobody wants the answer any more
   */
  async #page(range, turn) {
    const stale = () => this.#stopped || turn !== this.#turn;
    try {
      const page = await persist(() => this.#events(range), { clock: this.#clock, stopped: stale });
      return stale() ? null : page;
    } catch (error) {
      if (stale()) return null;
      throw error;
    }
  }

  #fillSoon() {
    this.#clock.after(PATIENCE_MS, () => {
      if (this.log.hasGap) this.fill().catch(() => {});
    });
  }

  #changed() {
    this.#onChange();
    if (this.log.hasGap) this.#fillSoon();
  }
}
