/** @typedef {Record<string, string | number | boolean | null | undefined | ((event: any) => void)>} Attributes */

const SVG = 'http://www.w3.org/2000/svg';
const LINE = {
  viewBox: '0 0 24 24', fill: 'none', stroke: 'currentColor', 'stroke-width': 1.75, 'stroke-linecap': 'round',
  'stroke-linejoin': 'round', 'aria-hidden': 'true',
};

/**
 * An element with attributes, listeners (`onclick`, …) and children. Strings become text, never markup.
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
 * Sets an attribute where it changes, so that assistive technology hears of real changes alone.
 *
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
 * A line drawing on a grid of 24 units.
 *
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
 * Shows a list as children. A node lives as long as its key, so that focus, selection and live regions stay undisturbed.
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
