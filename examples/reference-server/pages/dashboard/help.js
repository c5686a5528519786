import { granted } from '/convor/client/visitor.js';
import { h } from '/convor/widget/view.js';

const STORED = 'convor dashboard keys';
const KEYS = [
  ['j', 'Open the next conversation'],
  ['k', 'Open the previous conversation'],
  ['i', 'Go to the inbox; then the arrow keys move, and Enter opens'],
  ['r', 'Write a reply'],
  ['n', 'Write an internal note'],
  ['a', 'Assign the conversation to yourself'],
  ['e', 'Close the conversation, or open it again'],
  ['?', 'Show this list'],
  ['Enter', 'Send what you have written'],
  ['Shift Enter', 'Begin a new line'],
  ['Escape', 'Leave the text field, the menu or this list'],
];

/**
 * Shortcuts of a single key, and the dialog that lists them and turns them off: someone who dictates would press them by
 * speaking (WCAG 2.2, 2.1.4).
 */
export class Help {
  #on = granted(() => localStorage.getItem(STORED)) !== 'off';

  /** @param {Record<string, () => void>} actions what each key does */
  constructor(actions) {
    /** @type {Record<string, () => void>} */
    this.actions = { ...actions, '?': () => this.open() };
    const toggle = h('input', { type: 'checkbox', checked: this.#on, onchange: () => this.#turn(toggle.checked) });
    this.dialog = h(
      'dialog',
      { class: 'help', 'aria-labelledby': 'help-title' },
      h('h2', { id: 'help-title' }, 'Keyboard shortcuts'),
      h(
        'dl',
        {},
        ...KEYS.map(([key, does]) =>
          h('div', {}, h('dt', {}, ...key.split(' ').map((one) => h('kbd', {}, one))), h('dd', {}, does)),
        ),
      ),
      h('label', { class: 'check' }, toggle, 'Use the shortcuts of a single key'),
      h('form', { method: 'dialog' }, h('button', { class: 'primary' }, 'Close')),
    );
    this.onKey = (/** @type {KeyboardEvent} */ event) => this.#pressed(event);
  }

  open() {
    this.dialog.showModal();
  }

  /** @param {boolean} on */
  #turn(on) {
    this.#on = on;
    granted(() => localStorage.setItem(STORED, on ? 'on' : 'off'));
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    const writes = target.matches('input, textarea, select, [role=menuitem]');
    if (event.key === 'Escape' && target.matches('textarea')) return this.actions.i();
    if (!this.#on || writes || this.dialog.open || event.ctrlKey || event.metaKey || event.altKey) return;
    const action = this.actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }
}
