/**
 * @import {LogEvent, LogPage} from './wire.js'
 * @import {Clock, Fate, Range} from './types.js'
 */
import { persist } from './clock.js';

const PAGE = 50;
const CATCH_UP_PAGE = 200;
/** A replay that is under way closes most gaps by itself. */
const PATIENCE_MS = 400;

export class Follower {
  log = new Log();
  #page;
  #onChange;
  #clock;
  #turn = 0;
  #busy = false;

  /**
   * @param {(range: Range) => Promise<LogPage>} page
   * @param {() => void} onChange
   * @param {Clock} clock
   */
  constructor(page, onChange, clock) {
    this.#page = page;
    this.#onChange = onChange;
    this.#clock = clock;
  }

  /** Starts over with the newest page. It rejects for lasting reasons only. */
  async load() {
    this.#turn++;
    this.log.clear();
    const page = await this.#ask({ limit: PAGE });
    if (page) this.log.adopt(page);
    this.#changed();
  }

  async loadOlder() {
    if (!this.log.hasOlder) return;
    await this.#alone(async () => {
      const page = await this.#ask({ before: this.log.first, limit: PAGE });
      if (page) this.log.prepend(page);
    });
  }

  async fill() {
    if (!this.log.loaded) return;
    await this.#alone(async () => {
      for (;;) {
        const page = await this.#ask({ after: this.log.last, limit: CATCH_UP_PAGE });
        if (!page) return;
        if (!this.log.extend(page)) return this.load();
        if (this.log.last >= page.seq || !page.data.length) return;
      }
    });
  }

  /** @param {LogEvent} event */
  accept(event) {
    const fate = this.log.accept(event);
    if (fate === 'foreign') this.load().catch(() => {});
    else if (fate !== 'known') this.#changed();
  }

  /** No turn equals the last one, and a log that is cleared has no gap. */
  stop() {
    this.#turn = NaN;
    this.log.clear();
  }

  #changed() {
    this.#onChange();
    const fill = () => this.log.hasGap && this.fill().catch(() => {});
    if (this.log.hasGap) this.#clock.after(PATIENCE_MS, fill);
  }

  /** @param {() => Promise<void>} paging */
  async #alone(paging) {
    if (this.#busy) return;
    this.#busy = true;
    await paging().finally(() => (this.#busy = false));
    this.#changed();
  }

  /**
   * @param {Range} range
   * @returns {Promise<LogPage | null>} null where nobody wants it any more
   */
  async #ask(range) {
    const turn = this.#turn;
    const stale = () => turn !== this.#turn;
    try {
      const page = await persist(async () => (stale() ? null : this.#page(range)), this.#clock, stale);
      return stale() ? null : page;
    } catch (error) {
      if (stale()) return null;
      throw error;
    }
  }
}

/** One conversation's events, without a gap. Those that come too early are held aside. */
export class Log {
  loaded = false;
  epoch = 0;
  /** @type {LogEvent[]} */
  events = [];
  last = 0;
  #reachedStart = false;
  /** @type {Map<number, LogEvent>} */
  #held = new Map();

  get first() {
    return this.events[0]?.seq ?? this.last + 1;
  }

  get hasOlder() {
    return !this.#reachedStart && this.first > 1;
  }

  get hasGap() {
    return this.loaded && this.#held.size > 0;
  }

  /**
   * @param {LogEvent} event
   * @returns {Fate}
   */
  accept(event) {
    if (this.loaded && event.epoch !== this.epoch) return 'foreign';
    if (this.loaded && event.seq <= this.last) return 'known';
    this.#held.set(event.seq, event);
    return this.loaded && this.#unhold() ? 'added' : 'held';
  }

  /** @param {LogPage} page */
  adopt({ data, seq, epoch }) {
    Object.assign(this, { loaded: true, epoch, events: [...data], last: data.at(-1)?.seq ?? seq });
    for (const event of this.#held.values()) if (event.epoch !== epoch) this.#held.delete(event.seq);
    this.#unhold();
  }

  /**
   * Takes what follows `last`.
   *
   * @param {LogPage} page
   * @returns {boolean} false where it does not follow on: the log has to be loaded again
   */
  extend({ data, epoch }) {
    const next = data.find(({ seq }) => seq > this.last);
    if (epoch !== this.epoch || (next && next.seq > this.last + 1)) return false;
    for (const event of data) this.#held.set(event.seq, event);
    this.#unhold();
    return true;
  }

  /** @param {LogPage} page */
  prepend({ data, epoch }) {
    if (epoch !== this.epoch) return;
    this.#reachedStart = !data.length;
    this.events = [...data, ...this.events];
  }

  /** Forgets all but what is held: after a reset, events above the new end may already be coming in. */
  clear() {
    Object.assign(this, { loaded: false, events: [], last: 0 });
    this.#reachedStart = false;
  }

  #unhold() {
    const before = this.last;
    for (const [seq, event] of [...this.#held].sort(([a], [b]) => a - b)) {
      if (seq > this.last + 1) break;
      this.#held.delete(seq);
      if (seq <= this.last) continue;
      this.events.push(event);
      this.last = seq;
    }
    return this.last > before;
  }
}
