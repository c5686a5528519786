/** @import {Row} from '../client/types.js' */

/** @typedef {Record<string, string | number | boolean | null | undefined | ((event: any) => void)>} Attributes */

const SVG = 'http://www.w3.org/2000/svg';
const LINE = {
  viewBox: '0 0 24 24',
  fill: 'none',
  stroke: 'currentColor',
  'stroke-width': 1.75,
  'stroke-linecap': 'round',
  'stroke-linejoin': 'round',
  'aria-hidden': 'true',
};
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });
const NEAR_PX = 80;

/**
 * Strings become text, never markup.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Attributes} [attributes]
 * @param {...(Node | string | false)} children
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name.slice(2), value);
    else set(element, name, value);
  }
  element.append(...children.filter((child) => child !== false));
  return element;
}

/**
 * @param {Element} element
 * @param {string} name
 * @param {string | number | boolean | null | undefined} value
 */
export function set(element, name, value) {
  const text = value === true ? '' : `${value}`;
  if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== text) element.setAttribute(name, text);
}

/**
 * @param {Node} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * @param {string} path
 * @param {number} [size] in CSS pixels
 */
export function icon(path, size = 20) {
  const svg = document.createElementNS(SVG, 'svg');
  for (const [name, value] of Object.entries({ ...LINE, width: size, height: size })) set(svg, name, value);
  const line = document.createElementNS(SVG, 'path');
  set(line, 'd', path);
  svg.append(line);
  return svg;
}

/**
 * Shows a list as children. A node lives as long as its key, so that focus and selection stay.
 *
 * @template T
 */
export class KeyedList {
  #parent;
  #by;
  /** @type {Map<string, HTMLElement>} */
  #nodes = new Map();

  /**
   * @param {HTMLElement} parent
   * @param {{key: (item: T) => string, make: (item: T) => HTMLElement, update: (node: HTMLElement, item: T) => void}} by
   */
  constructor(parent, by) {
    this.#parent = parent;
    this.#by = by;
  }

  /** @param {T[]} items */
  show(items) {
    const root = /** @type {Document | ShadowRoot} */ (this.#parent.getRootNode());
    const focused = /** @type {HTMLElement | null} */ (root.activeElement);
    const wanted = new Set(items.map(this.#by.key));
    for (const [key, node] of this.#nodes) {
      if (wanted.has(key)) continue;
      node.remove();
      this.#nodes.delete(key);
    }
    let place = this.#parent.firstElementChild;
    for (const item of items) {
      const node = this.#node(item);
      if (node === place) place = place.nextElementSibling;
      else this.#parent.insertBefore(node, place);
    }
    // Moving a node takes the focus from it.
    if (focused?.isConnected && focused !== root.activeElement) focused.focus({ preventScroll: true });
  }

  /** @param {T} item */
  #node(item) {
    const key = this.#by.key(item);
    const node = this.#nodes.get(key) ?? this.#by.make(item);
    this.#nodes.set(key, node);
    this.#by.update(node, item);
    return node;
  }
}

/** It stays at its end while one reads along, and put where one reads back. */
export class LogView {
  atEnd = true;
  #list;
  #onOlder;
  #leave;
  #hasOlder = false;
  #first = '';
  #latest = 0;
  /** To hear what others write, and that alone: the log itself would read a whole history aloud. */
  said = h('div', { class: 'hidden', role: 'status' });

  /**
   * @param {object} by
   * @param {(row: Row) => HTMLElement} by.make
   * @param {(node: HTMLElement, row: Row) => void} by.update
   * @param {() => void} by.onOlder
   * @param {() => void} by.leave takes the focus, where a button that has it goes
   */
  constructor({ make, update, onOlder, leave }) {
    this.#onOlder = onOlder;
    this.#leave = leave;
    this.rows = h('div', { class: 'rows', onclick: (event) => event.target.closest('button') && leave() });
    this.older = h(
      'button',
      { class: 'older', type: 'button', hidden: true, onclick: onOlder },
      'Show earlier messages',
    );
    this.element = h(
      'div',
      {
        class: 'log',
        role: 'log',
        'aria-live': 'off',
        'aria-label': 'Conversation',
        tabindex: 0,
        onscroll: () => this.#scrolled(),
      },
      this.older,
      this.rows,
    );
    this.#list = new KeyedList(this.rows, { key: (/** @type {Row} */ row) => row.key, make, update });
    new ResizeObserver(() => this.atEnd && this.toEnd()).observe(this.element);
  }

  /**
   * @param {Row[]} rows
   * @param {boolean} hasOlder
   * @param {string} [me] an operator's id
   */
  show(rows, hasOlder, me) {
    const { element } = this;
    const fromEnd = element.scrollHeight - element.scrollTop;
    const first = rows.find((row) => row.type !== 'day')?.key ?? '';
    const prepends = first !== this.#first && this.#first !== '';
    const follows = this.atEnd;
    this.#list.show(rows);
    this.#say(rows, me);
    this.#first = first;
    this.#hasOlder = hasOlder;
    if (!hasOlder && this.older.matches(':focus')) this.#leave();
    this.older.hidden = !hasOlder;
    if (follows) this.toEnd();
    else if (prepends) element.scrollTop = element.scrollHeight - fromEnd;
  }

  /** Makes room for another log, whose history is no news. */
  clear() {
    this.show([], false);
    this.#latest = 0;
    this.said.textContent = '';
  }

  /**
   * @param {Row[]} rows
   * @param {string | undefined} me
   */
  #say(rows, me) {
    const before = this.#latest;
    const said = [];
    for (const [index, row] of rows.entries()) {
      if (row.type !== 'message' || !row.author || +row.at <= before) continue;
      this.#latest = Math.max(this.#latest, +row.at);
      const [author, bubble] = this.rows.children[index].children;
      if (!row.ours || row.author.id !== me) said.push(h('p', {}, `${author.textContent}: ${bubble.textContent}`));
    }
    if (before && said.length) this.said.replaceChildren(...said);
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

/** @param {Date} at */
export function clockTime(at) {
  return CLOCK.format(at);
}

/** @param {Date} at */
export function dayName(at) {
  return at.toDateString() === new Date().toDateString() ? 'Today' : DAY.format(at);
}
