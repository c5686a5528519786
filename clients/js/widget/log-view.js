/** @import {Row} from '../client/types.js' */
import { h, KeyedList } from './dom.js';

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });
const DAY_MS = 86_400_000;
/** Nearer to the end than this counts as reading along. */
const NEAR_PX = 80;

/** A scrolling log: it stays at its end while one reads along and put where one reads back, and asks for older rows. */
export class LogView {
  #list;
  #onOlder;
  #wasAtEnd = true;
  #hasOlder = false;
  #first = '';

  /**
   * @param {(row: Row) => HTMLElement} make
   * @param {(node: HTMLElement, row: Row) => void} update
   * @param {() => void} onOlder
   */
  constructor(make, update, onOlder) {
    this.#onOlder = onOlder;
    this.rows = h('div', { class: 'rows' });
    this.older = h('button', { class: 'older', type: 'button', hidden: true, onclick: onOlder }, 'Show earlier messages');
    this.element = h(
      'div',
      { class: 'log', role: 'log', 'aria-live': 'polite', 'aria-label': 'Conversation', tabindex: 0, onscroll: () => this.#scrolled() },
      this.older,
      this.rows,
    );
    this.#list = new KeyedList(this.rows, { key: (/** @type {Row} */ row) => row.key, make, update });
    new ResizeObserver(() => this.#wasAtEnd && this.toEnd()).observe(this.element);
  }

  get atEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.element;
    return scrollHeight - scrollTop - clientHeight < NEAR_PX;
  }

  /**
   * @param {Row[]} rows
   * @param {boolean} hasOlder
   */
  show(rows, hasOlder) {
    const { element } = this;
    const fromEnd = element.scrollHeight - element.scrollTop;
    const first = rows.find((row) => row.type !== 'day')?.key ?? '';
    const prepends = first !== this.#first && this.#first !== '';
    // Reading aloud what is being paged would bury what is being said.
    element.setAttribute('aria-live', prepends ? 'off' : 'polite');
    const follows = this.#wasAtEnd;
    this.#list.show(rows);
    this.#first = first;
    this.#hasOlder = hasOlder;
    this.older.hidden = !hasOlder;
    if (follows) this.toEnd();
    else if (prepends) element.scrollTop = element.scrollHeight - fromEnd;
  }

  /** Makes way for another log. */
  clear() {
    this.#list.show([]);
    this.#first = '';
  }

  toEnd() {
    this.#wasAtEnd = true;
    this.element.scrollTop = this.element.scrollHeight;
  }

  #scrolled() {
    this.#wasAtEnd = this.atEnd;
    if (this.#hasOlder && this.element.scrollTop < NEAR_PX) this.#onOlder();
  }
}

/** @param {Date} at */
export function clockTime(at) {
  return CLOCK.format(at);
}

/**
 * @param {Date} at
 * @param {Date} [today]
 */
export function dayName(at, today = new Date()) {
  const midnight = (/** @type {Date} */ date) => new Date(date).setHours(0, 0, 0, 0);
  const days = Math.round((midnight(today) - midnight(at)) / DAY_MS);
  return days === 0 ? 'Today' : days === 1 ? 'Yesterday' : DAY.format(at);
}
