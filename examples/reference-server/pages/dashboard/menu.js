import { h, set } from '/convor/widget/view.js';

/**
 * A button that opens a menu: the arrow keys move in it, Escape and Tab leave it.
 *
 * @see https://www.w3.org/WAI/ARIA/apg/patterns/menu-button/
 */
export class Menu {
  #build;

  /**
   * @param {object} options
   * @param {(Node | string)[]} options.label
   * @param {string} options.testid
   * @param {() => {label: string, hint: string, run: () => void}[]} options.build asked at each opening
   */
  constructor({ label, testid, build }) {
    this.#build = build;
    this.button = h(
      'button',
      {
        type: 'button',
        class: 'quiet',
        'aria-haspopup': 'menu',
        'aria-expanded': 'false',
        'data-testid': testid,
        onclick: () => this.#toggle(),
      },
      ...label,
    );
    this.list = h('div', { class: 'menu', role: 'menu', hidden: true, onkeydown: (event) => this.#pressed(event) });
    this.element = h('div', { class: 'with-menu', onfocusout: (event) => this.#left(event) }, this.button, this.list);
  }

  #toggle(open = this.list.hidden === true) {
    this.list.hidden = !open;
    set(this.button, 'aria-expanded', `${open}`);
    if (!open) return;
    this.list.replaceChildren(...this.#build().map((item) => this.#item(item)));
    this.#items[0]?.focus();
  }

  /** @param {{label: string, hint: string, run: () => void}} item */
  #item({ label, hint, run }) {
    const choose = () => {
      this.#toggle(false);
      this.button.focus();
      run();
    };
    return h(
      'button',
      { type: 'button', role: 'menuitem', tabindex: -1, onclick: choose },
      label,
      h('span', { class: 'hint' }, hint),
    );
  }

  get #items() {
    return [...this.list.querySelectorAll('button')];
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    const items = this.#items;
    const at = items.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (to !== undefined) items.at(to % items.length)?.focus();
    else if (event.key === 'Escape') this.button.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {FocusEvent} event */
  #left(event) {
    const next = /** @type {Node | null} */ (event.relatedTarget);
    if (!next || !this.list.contains(next)) this.#toggle(next === this.button && event.target === this.button);
  }
}
