/**
 * @import {Conversation, Site, Visitor} from '../client/wire.js'
 * @import {ChatListeners, Pending} from '../client/types.js'
 */
import { ApiError } from '../client/http.js';
import { Chat } from '../client/chat.js';
import { KeptToken, VisitorApi } from '../client/visitor.js';
import { pendingMessage } from '../client/outbox.js';
import { SayTyping, SeenTyping, persist, systemClock } from '../client/clock.js';
import { timeline } from '../client/timeline.js';

const URL_CHARS_MAX = 2048;
const TITLE_CHARS_MAX = 200;

/** The visitor's side of the chat, without a view. Nobody is registered before the first message. */
export class Visit {
  /** @type {Site | null} */
  site = null;
  /** @type {Visitor | null} */
  visitor = null;
  /** @type {Conversation | null} */
  conversation = null;
  failure = '';
  online = false;
  typing = new SeenTyping(() => this.#onChange(), systemClock);
  saying = new SayTyping((active) => this.#sayTyping(active), systemClock);

  #onChange;
  #api;
  #token;
  #chat;
  /** Written before there was a conversation to post them to. @type {Pending[]} */
  #early = [];
  #opening = false;
  /** @type {Promise<void> | null} */
  #resuming = null;
  #struggling = false;
  #wasOnline = false;
  #ended = false;
  #pageSaid = '';

  /**
   * @param {string} endpoint as an absolute URL
   * @param {string} site the site key
   * @param {() => void} onChange
   */
  constructor(endpoint, site, onChange) {
    this.#onChange = onChange;
    this.#api = new VisitorApi({ endpoint, site });
    this.#token = new KeptToken(site);
    this.#chat = new Chat({ http: this.#api, on: this.#listeners() });
  }

  async begin() {
    try {
      this.site = await this.#ask(() => this.#api.site());
      this.online ||= this.site.online;
      this.#onChange();
      if (this.#token.value) await this.#resume();
    } catch {
      this.#fail();
    }
  }

  get reconnecting() {
    const { phase } = this.#chat;
    return this.#struggling || phase === 'waiting' || (phase === 'connecting' && this.#wasOnline);
  }

  get hasOlder() {
    return this.#log?.hasOlder ?? false;
  }

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
    this.saying.stop();
    if (this.conversation) return this.#chat.send(this.conversation.id, text);
    this.#early.push(pendingMessage({ text, at: systemClock.now() }));
    this.#open();
  }

  /** @param {Pending} entry */
  retry(entry) {
    if (entry.conversation) return this.#chat.retry(entry);
    for (const early of this.#early) early.state = 'queued';
    this.#open();
  }

  seen() {
    const latest = this.#unseen.at(-1);
    if (!latest || !this.conversation) return;
    const { conversation, seq } = latest;
    if (!this.#chat.say({ type: 'read', conversation, seq })) return;
    this.conversation.read_seq = seq;
    this.#onChange();
  }

  older() {
    if (this.conversation) this.#chat.loadOlder(this.conversation.id).catch(() => {});
  }

  /** @param {{name: string | null, email: string | null}} who */
  async introduce(who) {
    this.visitor = await this.#api.introduce(who);
    // Nothing else tells the team of a new name: at a page they look at the visitor again.
    this.#pageSaid = '';
    this.pageSeen();
    this.#onChange();
  }

  /** Tells the team which page is open: what follows its path is nobody's business. */
  pageSeen() {
    const title = document.title.slice(0, TITLE_CHARS_MAX).toWellFormed();
    const url = location.href.split(/[?#]/)[0].slice(0, URL_CHARS_MAX);
    const said = url + title;
    if (said !== this.#pageSaid && this.#chat.say({ type: 'page', url, title })) this.#pageSaid = said;
  }

  stop() {
    this.#ended = true;
    this.#onChange = () => {};
    this.#chat.stop();
  }

  rest() {
    this.#chat.rest();
  }

  wake() {
    this.#chat.wake();
    if (!this.failure) return;
    this.failure = '';
    if (this.#chat.phase === 'stopped') this.#connect();
    else this.begin();
  }

  get #log() {
    return this.conversation ? this.#chat.log(this.conversation.id) : undefined;
  }

  get #unseen() {
    const readSeq = this.conversation?.read_seq ?? 0;
    const messages = this.#log?.events.filter(({ kind, seq }) => kind === 'message' && seq > readSeq) ?? [];
    return messages.filter((event) => event.kind === 'message' && event.message.author.kind !== 'visitor');
  }

  /** @returns {ChatListeners} */
  #listeners() {
    return {
      log: () => this.#onChange(),
      presence: ({ online }) => {
        this.online = online;
        this.#onChange();
      },
      typing: ({ author: { name }, active }) => this.typing.saw(name ?? '', name, active),
      read: ({ conversation, author, seq }) => {
        if (conversation !== this.conversation?.id) return;
        const key = author.kind === 'visitor' ? 'read_seq' : 'other_read_seq';
        this.conversation[key] = Math.max(this.conversation[key], seq);
        this.#onChange();
      },
      event: (event) => {
        // Another tab of this visitor has begun the conversation.
        if (!this.conversation && !this.#opening) this.#resume().catch(() => this.#fail());
        if (event.conversation !== this.conversation?.id) return;
        if (event.kind === 'status') this.conversation.status = event.status;
        if (event.kind === 'message') this.typing.saw(event.message.author.name ?? '', null, false);
      },
      phase: ({ phase, code }) => {
        if (phase === 'online') {
          this.#wasOnline = true;
          this.failure = this.#pageSaid = '';
          this.pageSeen();
        } else if (code === 4100 || code === 4103) {
          this.#startAfresh(code === 4103);
        } else if (phase === 'stopped') {
          this.failure = code === 4104 ? 'This chat is open in too many windows.' : 'The chat has ended.';
        }
        this.#onChange();
      },
    };
  }

  #sayTyping(active = false) {
    if (this.conversation) this.#chat.say({ type: 'typing', conversation: this.conversation.id, active });
  }

  #resume() {
    this.#resuming ??= this.#resumeNow().finally(() => (this.#resuming = null));
    return this.#resuming;
  }

  /** @returns {Promise<void>} */
  async #resumeNow() {
    const token = this.#token.value;
    this.#api.credentials = { token };
    try {
      const visitor = await this.#ask(() => this.#api.visitor());
      const { data } = await this.#ask(() => this.#api.conversations({ limit: 20 }));
      await this.#adopt(data.find(({ status }) => status !== 'closed') ?? data[0]);
      // Only now: who has a visitor but no conversation opens one.
      this.visitor = visitor;
      this.#connect();
    } catch (error) {
      if (!isRefused(error)) throw error;
      this.#startAfresh();
      const { value } = this.#token;
      if (value && value !== token) return this.#resumeNow();
    }
  }

  #connect() {
    if (!this.#ended) this.#chat.start();
  }

  /** @param {Conversation | undefined} conversation */
  async #adopt(conversation) {
    if (!conversation) return;
    await this.#chat.follow(conversation.id);
    this.conversation = conversation;
  }

  /**
   * What is unsent goes out under a new token.
   *
   * @param {boolean} [erased] not even that
   */
  #startAfresh(erased) {
    const unsent = this.#chat.pending(this.conversation?.id ?? '');
    for (const entry of unsent) this.#chat.discard(entry);
    this.#early = erased ? [] : [...unsent.filter(({ state }) => state !== 'acked'), ...this.#early];
    for (const early of this.#early) Object.assign(early, { conversation: '', state: 'queued' });
    this.#token.forget(this.#api.credentials.token);
    this.#api.credentials = {};
    this.#chat.stop();
    this.conversation = this.visitor = null;
    this.#wasOnline = false;
    if (this.#early.length) this.#open();
    // Another tab has a newer token.
    else if (this.#token.value) this.#resume().catch(() => this.#fail());
  }

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
    if (!this.visitor && this.#token.value) await this.#resume();
    if (!this.visitor) await this.#register();
    if (!this.conversation) await this.#openWithFirst();
    const waiting = this.#early;
    this.#early = [];
    const conversation = this.conversation?.id ?? '';
    for (const entry of waiting) this.#chat.deliver(Object.assign(entry, { conversation }));
    this.#connect();
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
    // With the same id for both, a retry finds the conversation that an earlier try has made.
    const opening = { client_id, first_message: { client_id, text } };
    const { conversation } = await this.#ask(() => this.#api.open(opening));
    await this.#adopt(conversation);
    this.#early = this.#early.filter((early) => early !== first);
  }

  /**
   * @template T
   * @param {() => Promise<T>} question
   */
  #ask(question) {
    const struggle = (does = false) => {
      this.#struggling = does;
      this.#onChange();
      if (this.#ended) throw new Error('gone');
    };
    return persist(question, systemClock, () => struggle(true)).finally(struggle);
  }

  #fail() {
    this.failure = 'The chat is not available right now.';
    this.#onChange();
  }
}

/** @param {unknown} error */
function isRefused(error) {
  return error instanceof ApiError && error.status === 401;
}
