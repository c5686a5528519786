/** @import {ConvorChat} from './loader.js' */
import { Composer } from './composer.js';
import { CSS } from './style.js';
import { Introduce } from './introduce.js';
import { LogView } from './log-view.js';
import { Visit } from './visit.js';
import { h, icon, set, setText } from './dom.js';
import { makeRow, updateRow } from './messages.js';

const CROSS = 'M6 6l12 12M18 6L6 18';

/**
 * Builds the chat into the element that the launcher stands in.
 *
 * @param {ConvorChat} host
 * @returns {Panel}
 */
export function mount(host) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(CSS);
  const root = /** @type {ShadowRoot} */ (host.shadowRoot);
  root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
  const endpoint = new URL(host.getAttribute('endpoint') ?? '/', document.baseURI).href;
  return new Panel(host, root, new Visit(endpoint, host.getAttribute('site') ?? ''));
}

/** The open chat. It draws what a {@link Visit} knows, and hands it what the person does. */
class Panel {
  #host;
  #visit;
  #log;
  #composer;
  #introduce;
  #drawing = false;
  #wasOpened = false;

  #title = h('h2', { id: 'title' });
  #presence = h('p', { class: 'presence', 'data-testid': 'presence' });
  #banner = h('div', { class: 'banner', role: 'status', 'data-testid': 'connection' });
  #again = h('button', { type: 'button', onclick: () => this.#visit.wake() }, 'Try again');
  #greeting = h('p', { class: 'bubble greeting', 'data-testid': 'greeting' });
  #dots = h('span', { class: 'dots', 'aria-hidden': 'true' });
  #typingText = h('span', { role: 'status' });
  #panel;

  /**
   * @param {ConvorChat} host
   * @param {ShadowRoot} root
   * @param {Visit} visit
   */
  constructor(host, root, visit) {
    this.#host = host;
    this.#visit = visit;
    this.#log = new LogView({
      label: 'Conversation',
      make: makeRow,
      update: (node, row) => updateRow(node, row, (entry) => visit.retry(entry)),
      onOlder: () => visit.older(),
    });
    this.#log.element.prepend(this.#greeting);
    this.#composer = new Composer({ onSend: (text) => this.#send(text), onTyped: (hasText) => visit.typed(hasText) });
    this.#introduce = new Introduce((who) => visit.introduce(who));
    this.#panel = this.#build();
    root.append(this.#panel);
    this.#listen();
  }

  /** @param {boolean} [open] */
  toggle(open = this.#panel.hidden) {
    if (open !== this.#panel.hidden) return;
    this.#panel.hidden = !open;
    if (!this.#wasOpened) this.#visit.begin();
    this.#wasOpened = true;
    this.#draw();
    if (open) {
      this.#log.toEnd();
      // A keyboard that slides in over half a small screen should wait until it is wanted.
      const touch = matchMedia('(pointer: coarse)').matches;
      (touch ? this.#panel : this.#composer.textarea).focus();
    } else {
      this.#host.launcher.focus();
    }
  }

  #build() {
    const close = h(
      'button',
      { class: 'icon', type: 'button', 'aria-label': 'Close chat', 'data-testid': 'close', onclick: () => this.toggle(false) },
      icon(CROSS),
    );
    return h(
      'section',
      {
        class: 'panel', role: 'dialog', 'aria-labelledby': 'title', tabindex: -1, hidden: true, 'data-testid': 'panel',
        onkeydown: (event) => this.#pressed(event),
      },
      h('header', { class: 'head' }, h('div', { class: 'who' }, this.#title, this.#presence), close),
      this.#banner,
      this.#log.element,
      h('div', { class: 'typing', 'data-testid': 'typing' }, this.#dots, this.#typingText),
      this.#introduce.element,
      this.#composer.element,
    );
  }

  #listen() {
    this.#visit.on('change', () => this.#drawSoon());
    addEventListener('online', () => this.#visit.wake());
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState !== 'visible') return;
      this.#visit.wake();
      this.#visit.pageSeen();
      this.#drawSoon();
    });
    // A page that moves within itself sets its title in the same turn; both are told together.
    const moved = () => setTimeout(() => this.#visit.pageSeen());
    addEventListener('popstate', moved);
    addEventListener('hashchange', moved);
  }

  /** @param {string} text */
  #send(text) {
    this.#visit.send(text);
    this.#log.toEnd();
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.key === 'Escape') {
      event.stopPropagation();
      this.toggle(false);
    } else if (event.key === 'Tab' && getComputedStyle(this.#host.launcher).display === 'none') {
      this.#keepInside(event);
    }
  }

  /**
   * Where the chat covers the whole screen, the focus must not wander to what lies behind it.
   *
   * @param {KeyboardEvent} event
   */
  #keepInside(event) {
    const all = [.../** @type {NodeListOf<HTMLElement>} */ (this.#panel.querySelectorAll('button,textarea,input,[tabindex="0"]'))];
    const stops = all.filter((element) => element.checkVisibility() && !element.matches(':disabled'));
    const edge = event.shiftKey ? stops[0] : stops.at(-1);
    if (this.#host.shadowRoot?.activeElement !== edge) return;
    event.preventDefault();
    (event.shiftKey ? stops.at(-1) : stops[0])?.focus();
  }

  /** Many changes come at once, as when a log is resumed; they make one drawing. */
  #drawSoon() {
    if (this.#drawing) return;
    this.#drawing = true;
    queueMicrotask(() => {
      this.#drawing = false;
      this.#draw();
    });
  }

  #draw() {
    const visit = this.#visit;
    const open = !this.#panel.hidden;
    this.#host.show(open, visit.unread);
    if (!open) return;
    this.#drawHead();
    this.#drawBanner();
    this.#log.show(visit.rows(), visit.hasOlder);
    this.#greeting.hidden = !visit.site?.greeting || visit.hasOlder;
    this.#drawTyping(visit.typing.names);
    this.#introduce.show(visit.visitor);
    this.#composer.invite(visit.closed ? 'Write to open this conversation again…' : 'Write a message…');
    if (document.visibilityState === 'visible') visit.seen();
  }

  #drawHead() {
    const { site, online } = this.#visit;
    this.#host.theme(site?.color ?? '');
    setText(this.#title, site?.title ?? 'Chat');
    setText(this.#greeting, site?.greeting ?? '');
    setText(this.#presence, !site ? 'One moment…' : online ? 'We are here' : 'We are away and will answer later');
    set(this.#presence, 'class', online ? 'presence on' : 'presence');
  }

  #drawBanner() {
    const { failure, reconnecting } = this.#visit;
    setText(this.#banner, failure || (reconnecting ? 'Reconnecting…' : ''));
    if (failure) this.#banner.append(' ', this.#again);
  }

  /** @param {(string | null)[]} names */
  #drawTyping(names) {
    const [name] = names;
    const text = names.length > 1 ? 'Several people are typing…' : names.length ? `${name || 'The team'} is typing…` : '';
    setText(this.#typingText, text);
    if (!text) this.#dots.replaceChildren();
    else if (!this.#dots.firstChild) this.#dots.append(h('i'), h('i'), h('i'));
  }
}
