import { h, icon, set, setText } from './dom.js';
import { TEXT_CHARS_MAX, tidy } from '../client/text.js';

const ARROW = 'M12 19V5M5.5 11.5L12 5l6.5 6.5';
const WARN_CHARS = 500;

/** Where the visitor writes: Enter sends, Shift and Enter begin a new line. */
export class Composer {
  #onSend;
  #onTyped;

  /**
   * @param {object} options
   * @param {(text: string) => void} options.onSend
   * @param {(hasText: boolean) => void} options.onTyped
   */
  constructor({ onSend, onTyped }) {
    this.#onSend = onSend;
    this.#onTyped = onTyped;
    this.textarea = h('textarea', {
      'aria-label': 'Your message', 'data-testid': 'composer', rows: 1, maxlength: TEXT_CHARS_MAX, enterkeyhint: 'send',
      placeholder: 'Write a message…', oninput: () => this.#changed(), onkeydown: (event) => this.#pressed(event),
    });
    this.left = h('p', { class: 'left', role: 'status' });
    this.send = h('button', { class: 'icon send', 'aria-label': 'Send', 'data-testid': 'send', disabled: true }, icon(ARROW, 22));
    const submit = (/** @type {Event} */ event) => {
      event.preventDefault();
      this.#submit();
    };
    this.element = h(
      'form',
      { class: 'composer', onsubmit: submit },
      h('div', { class: 'field' }, this.textarea, this.left),
      this.send,
    );
  }

  /** @param {string} placeholder */
  invite(placeholder) {
    set(this.textarea, 'placeholder', placeholder);
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    // While an input method composes a character, Enter belongs to it.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.#submit();
  }

  #submit() {
    const text = tidy(this.textarea.value);
    if (!text) return;
    this.textarea.value = '';
    this.#changed();
    this.textarea.focus();
    this.#onSend(text);
  }

  #changed() {
    const { textarea } = this;
    const hasText = tidy(textarea.value) !== '';
    const left = TEXT_CHARS_MAX - textarea.value.length;
    this.send.disabled = !hasText;
    setText(this.left, left < WARN_CHARS ? `${left} characters left` : '');
    grow(textarea);
    this.#onTyped(hasText);
  }
}

/**
 * Makes a text field as high as its text. Styles set through the object model are free of what a page's policy says about
 * inline styles.
 *
 * @param {HTMLTextAreaElement} textarea
 */
export function grow(textarea) {
  textarea.style.height = 'auto';
  const borders = textarea.offsetHeight - textarea.clientHeight;
  textarea.style.height = `${textarea.scrollHeight + borders}px`;
}
