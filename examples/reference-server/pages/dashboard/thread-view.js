/**
 * @import {MessageKind} from '/convor/client/wire.js'
 * @import {Desk} from './desk.js'
 */
import { LogView, h, icon, setText } from '/convor/widget/view.js';
import { timeline } from '/convor/client/timeline.js';
import { BACK, CHECK, CLOCK, INFO, REOPEN } from './icons.js';
import { Menu } from './menu.js';
import { Reply } from './reply.js';
import { avatar, showAvatar } from './avatar.js';
import { makeRow, updateRow } from './thread-row.js';
import { snoozeTimes } from './snooze.js';
import { counted, visitorName } from './names.js';

const STATUS = { open: 'Open', closed: 'Closed', snoozed: 'Snoozed' };

/** The conversation that is open: its head, its log and where one answers. */
export class ThreadView {
  #desk;
  #log;
  #shown = '';

  #face = avatar();
  #title = h('h2');
  #status = h('span', { class: 'status', 'data-testid': 'status' });
  #where = h('p', { class: 'where' });
  #typing = h('p', { class: 'typing', role: 'status', 'data-testid': 'typing' });
  #close = h('button', {
    type: 'button',
    class: 'quiet',
    'data-testid': 'close-conversation',
    onclick: () => this.toggleClosed(),
  });
  #snooze = new Menu({
    label: [icon(CLOCK, 18), h('span', { class: 'label' }, 'Snooze')],
    testid: 'snooze',
    build: () => snoozeTimes().map(({ label, hint, until }) => ({ label, hint, run: () => this.#rest(until) })),
  });
  #jump = h('button', { type: 'button', class: 'jump', 'data-testid': 'jump', onclick: () => this.#toEnd() });
  #empty = h('div', { class: 'nothing' });
  #body = h('div', { class: 'thread-body' });

  /**
   * @param {Desk} desk
   * @param {{onDetails: () => void}} options
   */
  constructor(desk, { onDetails }) {
    this.#desk = desk;
    this.details = h(
      'button',
      {
        type: 'button',
        class: 'quiet for-details',
        'aria-label': 'Details',
        'data-testid': 'details',
        onclick: onDetails,
      },
      icon(INFO, 20),
    );
    this.#log = new LogView({
      make: (row) => makeRow(row, this.#readers),
      update: (node, row) => updateRow(node, row, this.#readers),
      onOlder: () => this.#loadOlder(),
      leave: () => this.focus(),
    });
    this.reply = new Reply({
      onSend: (text, kind) => this.#send(text, kind),
      onTyping: (conversation, active, kind) => desk.chat.say({ type: 'typing', conversation, active, kind }),
    });
    this.#log.element.addEventListener('scroll', () => this.#log.atEnd && !this.#jump.hidden && this.draw());
    this.#body.append(this.#head(), this.#log.element, this.#log.said, this.#jump, this.#typing, this.reply.element);
    this.element = h(
      'section',
      { class: 'thread', 'aria-label': 'Conversation', tabindex: -1 },
      this.#body,
      this.#empty,
    );
  }

  draw() {
    const { conversation, log, failure, selected } = this.#desk;
    // A log that is being paged again must not take the composer away from under what is being written.
    const ready = conversation && log && (log.loaded || this.#shown === conversation.id);
    this.#body.hidden = !ready;
    this.#empty.hidden = Boolean(ready);
    if (!ready) {
      this.#shown = '';
      setText(this.#empty, failure || (selected ? 'Loading…' : 'Choose a conversation.'));
      return;
    }
    const { visitor, status, id } = conversation;
    showAvatar(this.#face, visitor);
    setText(this.#title, visitorName(visitor));
    setText(this.#status, STATUS[status]);
    this.#status.dataset.status = status;
    setText(this.#where, visitor.online ? 'Online now' : 'Not online');
    this.#snooze.element.hidden = status === 'closed';
    this.#drawClose(status !== 'open');
    this.reply.show(id);
    this.#drawLog(id);
    this.#drawTyping(id);
    const { atEnd } = this.#log;
    this.#jump.hidden = atEnd || !conversation.unread;
    setText(this.#jump, counted(conversation.unread, 'new message', 'new messages'));
    if (atEnd && document.visibilityState === 'visible') this.#desk.seen();
  }

  /** The button that led there hides itself, and a key that falls through to the page would be a shortcut. */
  #toEnd() {
    this.#log.toEnd();
    this.focus();
  }

  focus() {
    this.reply.textarea.focus();
  }

  toggleClosed() {
    const { conversation } = this.#desk;
    if (!conversation) return;
    this.#desk.change(conversation.id, { status: conversation.status === 'open' ? 'closed' : 'open' });
  }

  get #readers() {
    const { me, chat, conversation } = this.#desk;
    if (!conversation) throw new Error('Rows are drawn only while a conversation is open.');
    return { me: me.id, visitor: conversation.visitor, retry: chat.retry.bind(chat), discard: chat.discard.bind(chat) };
  }

  #head() {
    return h(
      'header',
      { class: 'thread-head' },
      h(
        'a',
        { class: 'quiet back', href: '#', 'aria-label': 'Back to the inbox', 'data-testid': 'back' },
        icon(BACK, 20),
      ),
      this.#face,
      h('div', { class: 'titles' }, h('div', { class: 'title' }, this.#title, this.#status), this.#where),
      this.#snooze.element,
      this.#close,
      this.details,
    );
  }

  /** @param {string} id */
  #drawLog(id) {
    const { chat, log, me, conversation } = this.#desk;
    if (!log || !conversation) return;
    const reader = /** @type {const} */ ({ kind: 'operator', id: me.id, otherReadSeq: conversation.other_read_seq });
    const isOther = this.#shown !== id;
    this.#shown = id;
    if (isOther) this.#log.clear();
    this.#log.show(timeline(log.events, chat.pending(id), reader), log.hasOlder, me.id);
    if (isOther) this.#log.toEnd();
  }

  /** @param {string} id */
  #drawTyping(id) {
    const { names } = this.#desk.typing(id);
    setText(this.#typing, names.length ? `${names.join(', ')} ${names.length > 1 ? 'are' : 'is'} typing…` : '');
  }

  /** @param {boolean} reopens */
  #drawClose(reopens) {
    const label = reopens ? 'Reopen' : 'Close';
    if (this.#close.textContent !== label) {
      this.#close.replaceChildren(icon(reopens ? REOPEN : CHECK, 18), h('span', { class: 'label' }, label));
    }
  }

  /** @param {Date} until */
  #rest(until) {
    const { selected } = this.#desk;
    if (selected) this.#desk.change(selected, { status: 'snoozed', snoozed_until: until.toISOString() });
  }

  /**
   * @param {string} text
   * @param {MessageKind} kind
   */
  #send(text, kind) {
    if (!this.#desk.selected) return;
    this.#desk.chat.send(this.#desk.selected, text, kind);
    this.#log.toEnd();
  }

  #loadOlder() {
    const { selected, chat } = this.#desk;
    if (selected) chat.loadOlder(selected).catch(() => {});
  }
}
