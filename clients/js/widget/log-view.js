/** @import {LineRow, Pending, Row} from '../client/types.js' */
import { h, KeyedList, set, setText } from './dom.js';

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });
const DELIVERY = { '': '', sending: 'Sending…', sent: 'Sent', seen: 'Seen', failed: 'Not sent.' };
/** Nearer to the end than this counts as reading along. */
const NEAR_PX = 80;

/** A scrolling log: it stays at its end while one reads along and put where one reads back, and asks for older rows. */
export class LogView {
  atEnd = true;
  #list;
  #onOlder;
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
    new ResizeObserver(() => this.atEnd && this.toEnd()).observe(this.element);
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
    set(element, 'aria-live', prepends ? 'off' : 'polite');
    const follows = this.atEnd;
    this.#list.show(rows);
    this.#first = first;
    this.#hasOlder = hasOlder;
    this.older.hidden = !hasOlder;
    if (follows) this.toEnd();
    else if (prepends) element.scrollTop = element.scrollHeight - fromEnd;
  }

  toEnd() {
    this.atEnd = true;
    this.element.scrollTop = this.element.scrollHeight;
  }

  #scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.element;
    this.atEnd = scrollHeight - scrollTop - clientHeight < NEAR_PX;
    if (this.#hasOlder && scrollTop < NEAR_PX) this.#onOlder();
  }
}

/** @param {Row} row */
export function makeRow(row) {
  if (row.type === 'day') return h('div', { class: 'day' }, dayName(row.at));
  if (row.type === 'line') return h('div', { class: 'line' }, lineText(row));
  return h(
    'div',
    { 'data-testid': 'message' },
    h('span', { class: 'author' }),
    h('p', { class: 'bubble' }),
    h('div', { class: 'meta' }, h('time'), h('span', { class: 'delivery' })),
  );
}

/**
 * @param {HTMLElement} node
 * @param {Row} row
 * @param {(entry: Pending) => void} retry
 */
export function updateRow(node, row, retry) {
  if (row.type !== 'message') return;
  const [author, bubble, meta] = /** @type {Iterable<HTMLElement>} */ (node.children);
  const [time, delivery] = meta.children;
  set(node, 'class', ['message', row.ours && 'ours', row.opens && 'opens', row.ends && 'ends'].filter(Boolean).join(' '));
  setText(author, row.ours ? 'You' : (row.author?.name ?? 'Team'));
  set(author, 'class', row.ours || !row.opens ? 'author hidden' : 'author');
  setText(bubble, row.text ?? 'This message has been removed.');
  bubble.classList.toggle('erased', row.text === null);
  setText(time, clockTime(row.at));
  set(time, 'datetime', row.at.toISOString());
  setText(delivery, DELIVERY[row.delivery]);
  meta.hidden = !row.ends && !row.delivery;
  set(meta, 'class', row.delivery === 'failed' ? 'meta failed' : 'meta');
  const button = meta.querySelector('.retry');
  if (row.delivery !== 'failed') button?.remove();
  else if (!button) meta.append(h('button', { class: 'retry', type: 'button', onclick: () => row.pending && retry(row.pending) }, 'Try again'));
}

/** @param {LineRow} row */
function lineText({ event }) {
  if (event.kind !== 'status') return '';
  const who = event.by.kind === 'visitor' ? 'You' : (event.by.name ?? 'The team');
  return event.status === 'closed' ? `${who} closed this conversation` : `${who} opened this conversation again`;
}

/** @param {Date} at */
export function clockTime(at) {
  return CLOCK.format(at);
}

/** @param {Date} at */
export function dayName(at) {
  return at.toDateString() === new Date().toDateString() ? 'Today' : DAY.format(at);
}
