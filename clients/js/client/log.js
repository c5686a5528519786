/** @import {LogEvent, LogPage} from './wire.js' */

/**
 * @typedef {'added' | 'known' | 'held' | 'foreign'} Fate of an event: it now ends the log; it was there already; it waits
 *   for those before it; it belongs to another lifetime of the conversation, so that the log is no prefix of it
 */

/**
 * What is known of one conversation: a run of events without a gap. Events that come too early are held aside until
 * what is missing before them has been paged.
 */
export class Log {
  /** Bumped at every change, so that a view can tell cheaply whether to draw again. */
  version = 0;
  loaded = false;
  epoch = 0;
  floor = 0;
  /** @type {LogEvent[]} */
  events = [];
  #last = 0;
  #reachedStart = false;
  /** @type {Map<number, LogEvent>} */
  #held = new Map();

  /** The position up to which everything since `first` is here. */
  get last() {
    return this.#last;
  }

  get first() {
    return this.events[0]?.seq ?? this.#last + 1;
  }

  get hasOlder() {
    return this.loaded && !this.#reachedStart && this.first > Math.max(1, this.floor);
  }

  /** Whether something is known to be missing above `last`. */
  get hasGap() {
    return this.#held.size > 0;
  }

  /**
   * @param {LogEvent} event
   * @returns {Fate}
   */
  accept(event) {
    if (!this.loaded) return this.#hold(event);
    if (event.epoch !== this.epoch) return 'foreign';
    if (event.seq <= this.#last) return 'known';
    if (event.seq > this.#last + 1) return this.#hold(event);
    this.#append(event);
    this.#unhold();
    return 'added';
  }

  /**
   * Takes the newest page as all there is.
   *
   * @param {LogPage} page
   */
  adopt(page) {
    const held = [...this.#held.values()];
    this.clear();
    this.loaded = true;
    this.epoch = page.epoch;
    this.floor = page.floor;
    this.events = [...page.data];
    this.#last = page.data.at(-1)?.seq ?? page.seq;
    for (const event of held) {
      if (event.epoch === page.epoch && event.seq > this.#last) this.#held.set(event.seq, event);
    }
    this.#unhold();
  }

  /**
   * Takes what `?after=last` answered.
   *
   * @param {LogPage} page
   * @returns {boolean} false where the page does not follow on, so that the log has to be dropped and paged again
   */
  extend(page) {
    if (page.epoch !== this.epoch) return false;
    for (const event of page.data) {
      if (event.seq > this.#last + 1) return false;
      if (event.seq === this.#last + 1) this.#append(event);
    }
    this.floor = page.floor;
    this.#unhold();
    return true;
  }

  /**
   * Takes what `?before=first` answered.
   *
   * @param {LogPage} page
   */
  prepend(page) {
    if (page.epoch !== this.epoch) return;
    const older = page.data.filter((event) => event.seq < this.first);
    this.#reachedStart = older.length === 0;
    this.floor = page.floor;
    this.events = [...older, ...this.events];
    this.version++;
  }

  /** Forgets everything but what is held aside: after a reset, events above the new end may already be coming in. */
  clear() {
    this.loaded = false;
    this.events = [];
    this.#last = 0;
    this.#reachedStart = false;
    this.version++;
  }

  /** @param {LogEvent} event */
  #append(event) {
    this.events.push(event);
    this.#last = event.seq;
    this.version++;
  }

  /**
   * @param {LogEvent} event
   * @returns {Fate}
   */
  #hold(event) {
    this.#held.set(event.seq, event);
    return 'held';
  }

  #unhold() {
    for (const [seq, event] of [...this.#held].sort(([a], [b]) => a - b)) {
      if (seq > this.#last + 1) break;
      this.#held.delete(seq);
      if (seq === this.#last + 1) this.#append(event);
    }
  }
}
