/**
 * @import {Conversation, EventFrame, Read, Site, Visitor} from '../client/wire.js'
 * @import {ChatListeners, Pending} from '../client/types.js'
 */
import { ApiError } from '../client/http.js';
import { Chat } from '../client/chat.js';
import { KeptToken, VisitorApi } from '../client/visitor.js';
import { SayTyping, SeenTyping } from '../client/typing.js';
import { pendingMessage } from '../client/outbox.js';
import { persist, systemClock } from '../client/clock.js';
import { timeline } from '../client/timeline.js';

const URL_CHARS_MAX = 2048;
const TITLE_CHARS_MAX = 200;

/**
 * The visitor's side of the chat, without a view. Nobody is registered before there is something to say: the first
 * message makes the visitor.
 */
export class Visit {
  /** @type {Site | null} */
  site = null;
  /** @type {Visitor | null} */
  visitor = null;
  /** @type {Conversation | null} */
  conversation = null;
  /** Why there is no chat, for people. */
  failure = '';
  online = false;
  typing = new SeenTyping(() => this.#onChange(), systemClock);

  #onChange;
  #api;
  #token;
  #chat;
  #saying = new SayTyping((active) => this.conversation && this.#chat.typing(this.conversation.id, active), systemClock);
  /** Written before there was a conversation to post them to. @type {Pending[]} */
  #early = [];
  #opening = false;
  /** @type {Promise<void> | null} */
  #resuming = null;
  #struggling = false;
  #wasOnline = false;

  /**
   * @param {string} endpoint as an absolute URL
   * @param {string} site the site key
   * @param {() => void} onChange
   */
  constructor(endpoint, site, onChange) {
    this.#onChange = onChange;
    this.#api = new VisitorApi({ endpoint, site });
    this.#token = new KeptToken(site);
    this.#chat = new Chat({ http: this.#api, on: this.#listeners });
  }

  /** Loads the site and, where this browser has been here before, the conversation. */
  async begin() {
    try {
      this.site = await this.#ask(() => this.#api.site());
      this.online ||= this.site.online;
      this.#onChange();
      if (this.#token.value) await this.#resume();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Whether a connection is being restored. */
  get reconnecting() {
    const { phase } = this.#chat;
    return this.#struggling || phase === 'waiting' || (phase === 'connecting' && this.#wasOnline);
  }

  get closed() {
    return this.conversation?.status === 'closed';
  }

  get hasOlder() {
    return this.#log?.hasOlder ?? false;
  }

  /** How many messages of the team the visitor has not seen. */
  get unread() {
    return this.#unseen.length;
  }

  rows() {
    const { id = '', other_read_seq: otherReadSeq = 0 } = this.conversation ?? {};
    const pending = [...this.#early, ...this.#chat.pending(id)];
    return timeline(this.#log?.events ?? [], pending, { kind: 'visitor', otherReadSeq });
  }

  /** @param {string} text */
  send(text) {
    this.#saying.stop();
    if (this.conversation) return this.#chat.send(this.conversation.id, text);
    this.#early.push(pendingMessage({ conversation: '', text, at: systemClock.now() }));
    this.#open();
  }

  /** @param {Pending} entry */
  retry(entry) {
    if (entry.conversation) return this.#chat.retry(entry);
    for (const early of this.#early) early.state = 'queued';
    this.#open();
  }

  /** @param {boolean} hasText */
  typed(hasText) {
    this.#saying.changed(hasText);
  }

  /** Says that everything that is here has been seen. */
  seen() {
    const latest = this.#unseen.at(-1);
    if (!latest || !this.conversation || !this.#chat.read(this.conversation.id, latest.seq)) return;
    this.conversation.read_seq = latest.seq;
    this.#onChange();
  }

  older() {
    if (this.conversation) this.#chat.loadOlder(this.conversation.id).catch(() => {});
  }

  /** @param {{name: string | null, email: string | null}} who */
  async introduce(who) {
    this.visitor = await this.#api.introduce(who);
    // Nothing else tells the team of a new name: with the page they look at the visitor again.
    this.pageSeen();
    this.#onChange();
  }

  /** Tells the team which page is open, once there is a visitor to tell it of. */
  pageSeen() {
    const { href, origin, pathname } = location;
    this.#chat.page(href.length > URL_CHARS_MAX ? origin + pathname : href, [...document.title].slice(0, TITLE_CHARS_MAX).join(''));
  }

  /** Connects now, as when the network is back or the person asks for it. */
  wake() {
    if (this.#chat.phase === 'stopped') this.#chat.start();
    else this.#chat.wake();
  }

  get #log() {
    return this.conversation ? this.#chat.log(this.conversation.id) : undefined;
  }

  get #unseen() {
    const readSeq = this.conversation?.read_seq ?? 0;
    const events = this.#log?.events ?? [];
    return events.filter((event) => event.seq > readSeq && event.kind === 'message' && event.message.author.kind !== 'visitor');
  }

  /** @returns {ChatListeners} */
  get #listeners() {
    return {
      log: this.#onChange,
      event: (event) => this.#took(event),
      typing: ({ author: { name }, active }) => this.typing.saw(name ?? '', name, active),
      read: (read) => this.#someoneRead(read),
      presence: ({ online }) => {
        this.online = online;
        this.#onChange();
      },
      phase: ({ phase, code }) => {
        if (phase === 'online') {
          this.#wasOnline = true;
          this.failure = '';
          this.pageSeen();
        }
        if (phase === 'stopped') this.#stopped(code);
        this.#onChange();
      },
    };
  }

  /** @param {Read} read */
  #someoneRead({ conversation, author, seq }) {
    if (conversation !== this.conversation?.id) return;
    const key = author.kind === 'visitor' ? 'read_seq' : 'other_read_seq';
    this.conversation[key] = Math.max(this.conversation[key], seq);
    this.#onChange();
  }

  /** @param {EventFrame} event */
  #took(event) {
    // Another tab of this visitor has begun the conversation.
    if (!this.conversation && !this.#opening) return void this.#resume().catch((error) => this.#fail(error));
    if (event.conversation !== this.conversation?.id) return;
    if (event.kind === 'status') this.conversation.status = event.status;
    if (event.kind === 'message') this.typing.saw(event.message.author.name ?? '', null, false);
  }

  /** @param {number | undefined} code */
  #stopped(code) {
    const erased = code === 4103;
    if (code === 4100 || erased) this.#startAfresh(erased);
    else this.failure = code === 4104 ? 'The chat is open in too many windows.' : 'The chat has been disconnected.';
  }

  /** Goes on with the latest conversation of the visitor whose token this browser keeps. */
  #resume() {
    this.#resuming ??= this.#resumeNow().finally(() => (this.#resuming = null));
    return this.#resuming;
  }

  async #resumeNow() {
    this.#api.credentials = { token: this.#token.value };
    try {
      this.visitor = await this.#ask(() => this.#api.visitor());
      const { data } = await this.#ask(() => this.#api.conversations({ limit: 20 }));
      await this.#adopt(data.find(({ status }) => status !== 'closed') ?? data[0]);
      this.#chat.start();
    } catch (error) {
      if (!isRefused(error)) throw error;
      this.#startAfresh();
    }
  }

  /** @param {Conversation | undefined} conversation */
  async #adopt(conversation) {
    if (!conversation) return;
    this.conversation = conversation;
    await this.#chat.follow(conversation.id);
  }

  /**
   * The token is worth nothing any more. What is still unsent goes out under a new one.
   *
   * @param {boolean} [erased] not even that
   */
  #startAfresh(erased) {
    const unsent = this.#chat.pending(this.conversation?.id ?? '');
    for (const entry of unsent) this.#chat.discard(entry);
    this.#early.unshift(...unsent.filter(({ state }) => state !== 'acked'));
    if (erased) this.#early = [];
    for (const early of this.#early) Object.assign(early, { conversation: '', state: 'queued' });
    this.#token.value = '';
    this.#api.credentials = {};
    this.#chat.stop();
    this.conversation = this.visitor = null;
    this.#wasOnline = false;
    if (this.#early.length) this.#open();
  }

  /** Makes the visitor and the conversation for the messages that wait for one. */
  async #open() {
    this.#onChange();
    if (this.#opening) return;
    this.#opening = true;
    try {
      await this.#deliverEarly().catch((error) => {
        if (!isRefused(error)) throw error;
        this.#startAfresh();
        return this.#deliverEarly();
      });
    } catch {
      for (const early of this.#early) early.state = 'failed';
    }
    this.#opening = false;
    this.#onChange();
  }

  async #deliverEarly() {
    await this.#resuming;
    // Another tab may have made the visitor since this one was opened.
    if (!this.#api.credentials.token && this.#token.value) await this.#resume();
    if (!this.#api.credentials.token) await this.#register();
    if (!this.conversation) await this.#openWithFirst();
    const waiting = this.#early;
    this.#early = [];
    const conversation = this.conversation?.id ?? '';
    for (const entry of waiting) this.#chat.deliver({ ...entry, conversation });
    this.#chat.start();
  }

  async #register() {
    const { visitor, token } = await this.#ask(() => this.#api.register());
    this.visitor = visitor;
    this.#token.value = token;
    this.#api.credentials = { token };
  }

  async #openWithFirst() {
    const [first] = this.#early;
    const { client_id, text } = first;
    // Both ids are the same, so that a retry, even one by hand, finds the conversation that an earlier try has made.
    const opening = { client_id, first_message: { client_id, text } };
    const { conversation } = await this.#ask(() => this.#api.open(opening));
    await this.#adopt(conversation);
    this.#early = this.#early.filter((early) => early !== first);
  }

  /**
   * Asks until there is an answer, and lets the view know while there is none.
   *
   * @template T
   * @param {() => Promise<T>} question
   */
  #ask(question) {
    const struggle = (/** @type {boolean} */ does) => {
      if (this.#struggling !== does) this.#onChange();
      this.#struggling = does;
    };
    return persist(question, systemClock, () => struggle(true)).finally(() => struggle(false));
  }

  /** @param {unknown} error */
  #fail(error) {
    const gone = error instanceof ApiError && error.status === 404;
    this.failure = gone ? 'There is no chat on this page.' : 'The chat is not available right now.';
    this.#onChange();
  }
}

/** @param {unknown} error */
function isRefused(error) {
  return error instanceof ApiError && error.status === 401;
}
