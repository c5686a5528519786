/**
 * @import {Desk, Notice} from './desk.js'
 */
import { h, set, setText } from '/convor/widget/view.js';
import { DetailsView } from './details-view.js';
import { Help } from './help.js';
import { InboxView } from './inbox-view.js';
import { ThreadView } from './thread-view.js';
import { visitorName } from './names.js';

const NOTICE_MS = 8000;

/** The whole dashboard: inbox, conversation and details beside each other, or one over the other on a small screen. */
export class DeskView {
  #desk;
  #inbox;
  #thread;
  #details;
  #help;
  #drawing = false;
  #listening = new AbortController();

  #connection = h('span', { class: 'connection', role: 'status', 'data-testid': 'connection' });
  #news = h('div', { class: 'hidden', role: 'status' });
  #notice = h('div', { class: 'notice', role: 'status', 'data-testid': 'notice' });
  #panes = h('main', { class: 'panes' });

  /**
   * @param {Desk} desk
   * @param {HTMLElement} place
   */
  constructor(desk, place) {
    this.#desk = desk;
    this.#inbox = new InboxView(desk);
    this.#thread = new ThreadView(desk, { onDetails: () => this.#showDetails(true) });
    this.#details = new DetailsView(desk, { onClose: () => this.#showDetails(false) });
    this.#help = new Help({
      j: () => this.#inbox.open(1),
      k: () => this.#inbox.open(-1),
      i: () => this.#inbox.focus(),
      r: () => this.#write('message'),
      n: () => this.#write('note'),
      a: () => this.#details.assignToMe(),
      e: () => this.#thread.toggleClosed(),
    });
    this.#panes.append(this.#inbox.element, this.#thread.element, this.#details.element);
    place.replaceChildren(this.#top(), this.#panes, this.#notice, this.#news, this.#help.dialog);
    this.#listen();
    this.#follow();
  }

  stop() {
    this.#listening.abort();
  }

  #top() {
    const skip = (/** @type {Event} */ event) => {
      event.preventDefault();
      this.#thread.element.focus();
    };
    return h(
      'header',
      { class: 'top' },
      h('a', { class: 'skip', href: '#', onclick: skip }, 'Skip to the conversation'),
      h('h1', {}, h('span', { class: 'mark', 'aria-hidden': 'true' }), 'Convor'),
      this.#connection,
      h('span', { class: 'me', 'data-testid': 'me' }, this.#desk.me.name),
      h(
        'button',
        { type: 'button', class: 'quiet', 'data-testid': 'help', onclick: () => this.#help.open() },
        'Shortcuts',
      ),
      h(
        'button',
        { type: 'button', class: 'quiet', 'data-testid': 'sign-out', onclick: () => this.#desk.signOut() },
        'Sign out',
      ),
    );
  }

  #listen() {
    const desk = this.#desk;
    const { signal } = this.#listening;
    desk.on('change', () => this.#drawSoon());
    desk.on('notice', (notice) => this.#say(notice));
    desk.on('news', (text) => setText(this.#news, text));
    addEventListener('hashchange', () => this.#follow(), { signal });
    addEventListener('online', () => desk.chat.wake(), { signal });
    // A browser that keeps a page for the way back would keep its connection, too.
    addEventListener('pagehide', () => desk.chat.rest(), { signal });
    addEventListener('pageshow', () => desk.chat.wake(), { signal });
    document.addEventListener('keydown', this.#help.onKey, { signal });
    document.addEventListener(
      'visibilitychange',
      () => {
        if (document.visibilityState !== 'visible') return;
        desk.chat.wake();
        this.#drawSoon();
      },
      { signal },
    );
  }

  /** The address says which conversation is open, so that going back and reloading work. */
  #follow() {
    const id = location.hash.slice(1) || null;
    this.#showDetails(false);
    this.#desk.select(id);
    this.#panes.dataset.pane = id ? 'thread' : 'inbox';
    if (!id) this.#inbox.focus();
    // On a small screen the pane that had the focus has just gone.
    else if (!document.activeElement?.checkVisibility()) this.#thread.element.focus();
  }

  /** @param {boolean} open */
  #showDetails(open) {
    const wasOpen = this.#panes.hasAttribute('data-details');
    this.#panes.toggleAttribute('data-details', open);
    if (open) this.#details.close.focus();
    else if (wasOpen) this.#thread.details.focus();
  }

  /** @param {import('/convor/client/wire.js').MessageKind} kind */
  #write(kind) {
    this.#thread.reply.choose(kind);
    this.#thread.focus();
  }

  /** Many changes come at once, as when a log is resumed; they make one drawing. */
  #drawSoon() {
    if (this.#drawing) return;
    this.#drawing = true;
    queueMicrotask(() => {
      this.#drawing = false;
      if (!this.#listening.signal.aborted) this.#draw();
    });
  }

  #draw() {
    this.#inbox.draw();
    this.#thread.draw();
    this.#details.draw();
    this.#drawConnection();
    this.#drawTitle();
  }

  #drawConnection() {
    const { chat, wasOnline } = this.#desk;
    const trying = wasOnline ? 'Reconnecting…' : 'Connecting…';
    const { phase } = chat;
    const text = phase === 'online' ? 'Connected' : phase === 'stopped' ? 'Disconnected' : trying;
    setText(this.#connection, text);
    set(this.#connection, 'data-state', phase);
  }

  #drawTitle() {
    const { inbox, conversation } = this.#desk;
    const unread = inbox.unread ? `(${inbox.unread}) ` : '';
    const name = conversation ? `${visitorName(conversation.visitor)} · ` : '';
    const title = `${unread}${name}Convor`;
    if (document.title !== title) document.title = title;
  }

  /** @param {Notice} notice */
  #say({ text, action }) {
    const clear = () => this.#notice.replaceChildren();
    const act = () => {
      // The button goes, and a key that falls through to the page would be a shortcut.
      this.#thread.focus();
      clear();
      action?.run();
    };
    const said = h(
      'p',
      {},
      text,
      action !== undefined && h('button', { type: 'button', class: 'link', onclick: act }, action.label),
    );
    this.#notice.replaceChildren(said);
    setTimeout(() => said.isConnected && !action && clear(), NOTICE_MS);
  }
}
