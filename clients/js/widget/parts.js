/**
 * @import {LineRow, Pending, Row} from '../client/types.js'
 * @import {Visitor} from '../client/wire.js'
 */
import { TEXT_CHARS_MAX, tidy } from '../client/outbox.js';
import { clockTime, dayName, h, icon, set, setText } from './view.js';

const ARROW = 'M12 19V5M5.5 11.5L12 5l6.5 6.5';
const WARN_AT = [0, 20, 100, 500];
const DELIVERY = { '': '', sending: 'Sending…', sent: 'Sent', seen: 'Seen', failed: 'Not sent.' };

/**
 * @param {Row} row
 * @param {(entry: Pending) => void} retry
 */
export function makeRow(row, retry) {
  if (row.type === 'day') return h('div', { class: 'day' }, dayName(row.at));
  if (row.type === 'line') return h('div', { class: 'line' }, lineText(row));
  const again = h('button', { class: 'retry', onclick: () => row.pending && retry(row.pending) }, 'Try again');
  return h(
    'div',
    { 'data-testid': 'message' },
    h('span', { class: 'author' }),
    h('p', { class: 'bubble' }),
    h('div', {}, h('time'), h('span', { class: 'delivery' }), again),
  );
}

/**
 * @param {HTMLElement} node
 * @param {Row} row
 */
export function updateRow(node, row) {
  if (row.type !== 'message') return;
  const [author, bubble, meta] = /** @type {Iterable<HTMLElement>} */ (node.children);
  const [time, delivery, again] = /** @type {Iterable<HTMLElement>} */ (meta.children);
  const failed = row.delivery === 'failed';
  const classes = [row.ours && 'ours', row.opens && 'opens', row.ends && 'ends'].filter(Boolean);
  set(node, 'class', `message ${classes.join(' ')}`);
  setText(author, row.ours ? 'You' : (row.author?.name ?? 'Team'));
  set(author, 'class', row.ours || !row.opens ? 'author hidden' : 'author');
  setText(bubble, row.text ?? 'This message has been removed.');
  bubble.classList.toggle('erased', row.text === null);
  setText(time, clockTime(row.at));
  set(time, 'datetime', row.at.toISOString());
  setText(delivery, DELIVERY[row.delivery]);
  meta.hidden = !row.ends && !row.delivery;
  set(meta, 'class', failed ? 'meta failed' : 'meta');
  again.hidden = !failed;
}

/** @param {LineRow} row */
function lineText({ event }) {
  if (event.kind !== 'status') return '';
  const who = event.by.kind === 'visitor' ? 'You' : (event.by.name ?? 'The team');
  return event.status === 'closed' ? `${who} closed this conversation` : `${who} opened this conversation again`;
}

export class Composer {
  #onSend;
  #onTyped;

  /**
   * @param {(text: string) => void} onSend
   * @param {(hasText: boolean) => void} onTyped
   */
  constructor(onSend, onTyped) {
    this.#onSend = onSend;
    this.#onTyped = onTyped;
    this.left = new Room();
    this.textarea = h('textarea', {
      'aria-label': 'Your message',
      'data-testid': 'composer',
      rows: 1,
      maxlength: TEXT_CHARS_MAX,
      enterkeyhint: 'send',
      oninput: () => this.#changed(),
      onkeydown: (event) => this.#pressed(event),
    });
    this.send = h(
      'button',
      { class: 'icon send', 'aria-label': 'Send', 'data-testid': 'send', disabled: true },
      icon(ARROW, 22),
    );
    this.element = h(
      'form',
      { class: 'composer', onsubmit: (event) => this.#submit(event) },
      h('div', { class: 'field' }, this.textarea, this.left.element),
      this.send,
    );
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    // While an input method composes a character, Enter belongs to it.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.element.requestSubmit();
  }

  /** @param {Event} event */
  #submit(event) {
    event.preventDefault();
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
    this.send.disabled = !hasText;
    this.left.show(textarea);
    grow(textarea);
    this.#onTyped(hasText);
  }
}

export class Room {
  #seen = h('span', { 'aria-hidden': 'true' });
  #said = h('span', { class: 'hidden', role: 'status' });
  element = h('div', { class: 'left' }, this.#seen, this.#said);

  /** @param {HTMLTextAreaElement} textarea */
  show({ value }) {
    const left = TEXT_CHARS_MAX - value.length;
    const mark = WARN_AT.find((at) => left <= at);
    setText(this.#seen, mark === undefined ? '' : `${left} characters left`);
    setText(this.#said, mark === undefined ? '' : `At most ${mark} characters left`);
  }
}

/** An offer, never a hurdle. */
export class Introduce {
  #introduce;

  /** @param {(who: {name: string | null, email: string | null}) => Promise<void>} introduce */
  constructor(introduce) {
    this.#introduce = introduce;
    this.name = h('input', { name: 'name', autocomplete: 'name', maxlength: 100, 'data-testid': 'visitor-name' });
    this.email = h('input', {
      name: 'email',
      type: 'email',
      autocomplete: 'email',
      maxlength: 254,
      'data-testid': 'visitor-email',
    });
    this.said = h('p', { role: 'status' });
    this.form = h(
      'form',
      { hidden: true, onsubmit: (event) => this.#submit(event) },
      h('label', {}, 'Name', this.name),
      h('label', {}, 'E-mail', this.email),
      h('button', { class: 'save', 'data-testid': 'visitor-save' }, 'Save'),
      this.said,
    );
    this.offer = h('button', {
      class: 'offer',
      type: 'button',
      'aria-expanded': 'false',
      'data-testid': 'introduce',
      onclick: () => this.#toggle(this.form.hidden === true),
    });
    this.element = h('div', { class: 'introduce', hidden: true }, this.offer, this.form);
  }

  /** @param {Visitor | null} visitor */
  show(visitor) {
    this.element.hidden = !visitor;
    if (!visitor) return;
    const known = visitor.name ?? visitor.email;
    setText(this.offer, known ? `You are ${known}. Change` : 'Tell us who you are (optional)');
    if (!this.form.hidden) return;
    this.name.value = visitor.name ?? '';
    this.email.value = visitor.email ?? '';
  }

  /** @param {boolean} open */
  #toggle(open) {
    this.form.hidden = !open;
    this.offer.ariaExpanded = `${open}`;
    setText(this.said, '');
    (open ? this.name : this.offer).focus();
  }

  /** @param {Event} event */
  async #submit(event) {
    event.preventDefault();
    try {
      await this.#introduce({ name: this.name.value.trim() || null, email: this.email.value.trim() || null });
      this.#toggle(false);
    } catch (error) {
      setText(this.said, error instanceof Error ? error.message : '');
    }
  }
}

/**
 * Makes a text field as high as its text. No policy on inline styles forbids what the object model sets.
 *
 * @param {HTMLTextAreaElement} textarea
 */
export function grow(textarea) {
  textarea.style.height = 'auto';
  const borders = textarea.offsetHeight - textarea.clientHeight;
  textarea.style.height = `${textarea.scrollHeight + borders}px`;
}
