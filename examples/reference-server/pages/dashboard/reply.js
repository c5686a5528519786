/** @import {MessageKind} from '/convor/client/wire.js' */
import { TEXT_CHARS_MAX, tidy } from '/convor/client/outbox.js';
import { Room, grow } from '/convor/widget/parts.js';
import { h, icon, set } from '/convor/widget/view.js';
import { SayTyping, systemClock } from '/convor/client/clock.js';
import { LOCK, SEND } from './icons.js';

/** Where an operator writes: a reply that the visitor gets, or a note that stays in the house. */
export class Reply {
  /** @type {MessageKind} */
  #kind = 'message';
  #options;
  /** What was being written in each conversation. @type {Map<string, {text: string, kind: MessageKind}>} */
  #drafts = new Map();
  /** @type {string | null} */
  #conversation = null;
  #typing = new SayTyping((active) => this.#sayTyping(active), systemClock);

  /**
   * @param {object} options
   * @param {(text: string, kind: MessageKind) => void} options.onSend
   * @param {(conversation: string, active: boolean, kind: MessageKind) => void} options.onTyping
   */
  constructor(options) {
    this.#options = options;
    this.textarea = h('textarea', {
      rows: 2,
      maxlength: TEXT_CHARS_MAX,
      'data-testid': 'reply-composer',
      oninput: () => this.#changed(),
      onkeydown: (event) => this.#pressed(event),
    });
    this.reply = this.#switch('message', 'reply-switch', 'Reply');
    this.note = this.#switch('note', 'note-switch', icon(LOCK, 15), 'Internal note');
    this.send = h('button', { class: 'primary', disabled: true, 'data-testid': 'send-reply' });
    this.left = new Room();
    const submit = (/** @type {Event} */ event) => {
      event.preventDefault();
      this.#submit();
    };
    this.element = h(
      'form',
      { class: 'reply', 'aria-label': 'Answer', onsubmit: submit },
      h('div', { class: 'kinds', role: 'group', 'aria-label': 'Who reads it' }, this.reply, this.note),
      this.textarea,
      h(
        'div',
        { class: 'below' },
        this.left.element,
        h('span', { class: 'hint' }, 'Enter sends, Shift and Enter begin a new line'),
        this.send,
      ),
    );
    this.choose('message');
  }

  /**
   * Puts the draft of a conversation in place of that of the one before.
   *
   * @param {string} conversation
   */
  show(conversation) {
    if (conversation === this.#conversation) return;
    this.#typing.stop();
    if (this.#conversation) this.#drafts.set(this.#conversation, { text: this.textarea.value, kind: this.#kind });
    const { text = '', kind = 'message' } = this.#drafts.get(conversation) ?? {};
    this.#conversation = conversation;
    this.textarea.value = text;
    this.choose(kind);
    this.#fit();
  }

  /** @param {MessageKind} kind */
  choose(kind) {
    if (kind !== this.#kind) this.#typing.stop();
    this.#kind = kind;
    const isNote = kind === 'note';
    set(this.reply, 'aria-pressed', `${!isNote}`);
    set(this.note, 'aria-pressed', `${isNote}`);
    set(this.element, 'class', isNote ? 'reply as-note' : 'reply');
    set(this.textarea, 'aria-label', isNote ? 'Internal note' : 'Reply');
    set(this.textarea, 'placeholder', isNote ? 'Only your team reads this…' : 'Write a reply…');
    this.send.replaceChildren(isNote ? 'Add note' : 'Send', icon(SEND, 16));
  }

  /**
   * @param {MessageKind} kind
   * @param {string} testid
   * @param {...(Node | string)} label
   */
  #switch(kind, testid, ...label) {
    const choose = () => {
      this.choose(kind);
      this.textarea.focus();
    };
    return h('button', { type: 'button', 'data-testid': testid, onclick: choose }, ...label);
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
    this.#typing.stop();
    this.textarea.value = '';
    this.#fit();
    this.#options.onSend(text, this.#kind);
    this.textarea.focus();
  }

  #changed() {
    this.#fit();
    this.#typing.changed(tidy(this.textarea.value) !== '');
  }

  /** @param {boolean} active */
  #sayTyping(active) {
    if (this.#conversation) this.#options.onTyping(this.#conversation, active, this.#kind);
  }

  #fit() {
    this.send.disabled = tidy(this.textarea.value) === '';
    this.left.show(this.textarea);
    grow(this.textarea);
  }
}
