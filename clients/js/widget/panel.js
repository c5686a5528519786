/** @import {ConvorChat} from './loader.js' */
import { CSS } from './style.js';
import { Composer, Introduce, makeRow, updateRow } from './parts.js';
import { Visit } from './visit.js';
import { LogView, h, icon, set, setText } from './view.js';

const CROSS = 'M6 6l12 12M18 6L6 18';
/** Where the chat covers the whole screen; the style says the same. */
const SMALL = '(max-width:480px),(max-height:440px)';

/** @param {ConvorChat} host */
export function mount(host) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(CSS);
  const root = /** @type {ShadowRoot} */ (host.shadowRoot);
  // An element that is put elsewhere in the page starts over.
  root.adoptedStyleSheets = [...root.adoptedStyleSheets.slice(0, 2), sheet];
  host.launcher.title = '';
  const panel = new Panel(host);
  root.append(panel.element);
  return panel;
}

/** @link Visit} knows, and hands it what the person does. */
class Panel {
  #host;
  #visit;
  #log;
  #composer;
  #introduce;
  #drawing = false;
  #wasOpened = false;
  #listening = new AbortController();

  #title = h('h2', { id: 'title' });
  #presence = h('p', { 'data-testid': 'presence' });
  #banner = h('div', { class: 'banner', role: 'status', 'data-testid': 'connection' });
  #greeting = h('p', { class: 'bubble greeting', 'data-testid': 'greeting' });
  #dots = h('span', { class: 'dots', 'aria-hidden': 'true' }, h('i'), h('i'), h('i'));
  #typing = h('span', { role: 'status' });

  /** @param {ConvorChat} host */
  constructor(host) {
    const endpoint = new URL(host.getAttribute('endpoint') ?? '', document.baseURI).href;
    const visit = new Visit(endpoint, host.getAttribute('site') ?? '', () => this.#drawSoon());
    this.#host = host;
    this.#visit = visit;
    this.#log = new LogView({
      make: (row) => makeRow(row, (entry) => visit.retry(entry)),
      update: updateRow,
      onOlder: () => visit.older(),
      leave: () => this.#focus(),
    });
    this.#log.element.prepend(this.#greeting);
    this.#composer = new Composer(
      (text) => this.#send(text),
      (hasText) => visit.saying.changed(hasText),
    );
    this.#introduce = new Introduce((who) => visit.introduce(who));
    this.element = this.#build();
    this.#listen();
  }

  /** @param {boolean} [open] */
  toggle(open = !this.element.open) {
    if (open === this.element.open || this.#listening.signal.aborted) return;
    if (!open) return this.element.close();
    // A modal dialog keeps the focus from wandering to what it covers.
    if (matchMedia(SMALL).matches) this.element.showModal();
    else this.element.show();
    if (!this.#wasOpened) this.#visit.begin();
    this.#wasOpened = true;
    this.#draw();
    this.#log.toEnd();
    this.#focus();
  }

  stop() {
    this.#listening.abort();
    this.#visit.stop();
    this.element.remove();
    this.#host.show();
  }

  #focus() {
    // A keyboard that covers half the screen should wait until it is wanted.
    const touch = matchMedia('(pointer: coarse)').matches;
    (touch ? this.element : this.#composer.textarea).focus();
  }

  /** A browser closes a modal dialog by itself, too. */
  #closed() {
    if (this.element.open || this.#listening.signal.aborted) return;
    this.#draw();
    this.#host.launcher.focus();
  }

  #build() {
    const close = { class: 'icon', 'aria-label': 'Close chat', 'data-testid': 'close', onclick: () => this.toggle() };
    return h(
      'dialog',
      {
        class: 'panel',
        'aria-labelledby': 'title',
        tabindex: -1,
        'data-testid': 'panel',
        onkeydown: (event) => this.#pressed(event),
        onclose: () => this.#closed(),
      },
      h(
        'div',
        { class: 'head' },
        h('div', { class: 'who' }, this.#title, this.#presence),
        h('button', close, icon(CROSS)),
      ),
      this.#banner,
      this.#log.element,
      this.#log.said,
      h('div', { class: 'typing', 'data-testid': 'typing' }, this.#dots, this.#typing),
      this.#introduce.element,
      this.#composer.element,
    );
  }

  #listen() {
    const visit = this.#visit;
    /** @type {(type: string, run: () => void, target?: EventTarget) => void} */
    const on = (type, run, target = window) => target?.addEventListener(type, run, this.#listening);
    on('online', () => visit.wake());
    // A browser that keeps a page for the way back would keep its connection, too.
    on('pagehide', () => visit.rest());
    on('pageshow', () => visit.wake());
    const shown = () => {
      if (document.hidden) return;
      visit.wake();
      visit.pageSeen();
      this.#drawSoon();
    };
    on('visibilitychange', shown, document);
    // A page that moves within itself sets its title in the same turn.
    const moved = () => setTimeout(() => visit.pageSeen());
    on('popstate', moved);
    on('hashchange', moved);
    // Nothing else tells of `pushState`.
    on('currententrychange', moved, /** @type {any} */ (window).navigation);
  }

  /** @param {string} text */
  #send(text) {
    this.#visit.send(text);
    this.#log.toEnd();
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.key !== 'Escape') return;
    event.preventDefault();
    event.stopPropagation();
    this.toggle(false);
  }

  #drawSoon() {
    if (this.#drawing) return;
    this.#drawing = true;
    queueMicrotask(() => {
      this.#drawing = false;
      this.#draw();
    });
  }

  #draw() {
    if (this.#listening.signal.aborted) return;
    const visit = this.#visit;
    const { open } = this.element;
    this.#host.show(open, visit.unread);
    if (!open) return;
    this.#drawHead();
    this.#drawBanner();
    this.#log.show(visit.rows(), visit.hasOlder);
    this.#greeting.hidden = !visit.site?.greeting || visit.hasOlder;
    this.#drawTyping(visit.typing.names);
    this.#introduce.show(visit.visitor);
    const closed = visit.conversation?.status === 'closed';
    set(this.#composer.textarea, 'placeholder', closed ? 'Write to open it again…' : 'Write a message…');
    if (!document.hidden) visit.seen();
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
    const text = failure || (reconnecting ? 'Reconnecting…' : '');
    if (this.#banner.firstChild?.textContent === text) return;
    setText(this.#banner, text);
    const again = () => {
      this.#focus();
      this.#visit.wake();
    };
    if (failure) this.#banner.append(h('button', { onclick: again }, 'Try again'));
  }

  /** @param {(string | null)[]} names */
  #drawTyping([name, ...others]) {
    const who = others.length ? 'Several people are' : `${name || 'The team'} is`;
    const text = name === undefined ? '' : `${who} typing…`;
    setText(this.#typing, text);
    this.#dots.hidden = !text;
  }
}
