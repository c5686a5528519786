/**
 * @import {EventFrame, Operator, PageFrame, Presence, Typing} from '/convor/client/wire.js'
 * @import {Change, ChatListeners, Phase} from '/convor/client/types.js'
 * @import {OperatorApi} from '/convor/client/operator.js'
 */
import { ApiError } from '/convor/client/http.js';
import { Chat } from '/convor/client/chat.js';
import { SeenTyping, systemClock } from '/convor/client/clock.js';
import { Emitter } from './emitter.js';
import { Inbox } from './inbox.js';
import { visitorName } from './names.js';

/**
 * @typedef {object} Notice
 * @property {string} text
 * @property {{label: string, run: () => void}} [action]
 *
 * @typedef {object} DeskEvents
 * @property {null} change
 * @property {Notice} notice something that the operator should see
 * @property {string} news something that only a screen reader has to say, since the eye sees it anyway
 * @property {string} signedOut the session is no longer good, and why, once
 */

const CHANGE_TRIES = 3;
const ENDED = 'Your session has ended.';
const FIELD_NAMES = { status: 'status', assignee: 'assignee', tags: 'tags' };

/**
 * What an operator works with, without a view: the inbox, the conversation that is open, the colleagues.
 *
 * @extends {Emitter<DeskEvents>}
 */
export class Desk extends Emitter {
  /** @type {Operator[]} */
  operators = [];
  /** @type {string | null} */
  selected = null;
  /** Why the selected conversation cannot be shown. */
  failure = '';
  wasOnline = false;

  #isLeaving = false;
  #isOver = false;
  /** @type {Map<string, string>} */
  #etags = new Map();
  /** @type {Map<string, SeenTyping>} */
  #typing = new Map();

  /**
   * @param {OperatorApi} api
   * @param {Operator} me
   */
  constructor(api, me) {
    super();
    this.api = api;
    this.me = me;
    this.inbox = new Inbox(api, me.id, () => this.#changed());
    this.chat = new Chat({ http: api, on: this.#listeners });
  }

  start() {
    this.chat.watchInbox();
    this.chat.start();
    this.listOperators();
  }

  stop() {
    this.chat.stop();
  }

  get conversation() {
    return this.inbox.get(this.selected);
  }

  get log() {
    return this.selected ? this.chat.log(this.selected) : undefined;
  }

  /** @param {string} id */
  typing(id) {
    const typing = this.#typing.get(id) ?? new SeenTyping(() => this.#changed(), systemClock);
    this.#typing.set(id, typing);
    return typing;
  }

  /** @param {string | null} id */
  operator(id) {
    return this.operators.find((operator) => operator.id === id);
  }

  /**
   * Opens a conversation in place of the one that is open now.
   *
   * @param {string | null} id
   */
  async select(id) {
    if (id === this.selected) return;
    if (this.selected) this.chat.unfollow(this.selected);
    this.selected = id;
    this.failure = '';
    this.#changed();
    if (!id) return;
    try {
      await Promise.all([this.#fetch(id), this.chat.follow(id)]);
    } catch (error) {
      if (this.selected === id) this.#failed(error);
    }
    this.#changed();
  }

  /** Says that what the visitor wrote has been seen. */
  seen() {
    const { conversation, log } = this;
    if (!conversation || !log?.loaded) return;
    const latest = log.events.findLast((event) => event.kind === 'message' && event.message.author.kind === 'visitor');
    if (!latest || latest.seq <= conversation.read_seq) return;
    const said = this.chat.say({ type: 'read', conversation: conversation.id, seq: latest.seq });
    if (said) this.inbox.read(conversation.id, this.me.id, latest.seq);
  }

  /**
   * Changes a conversation. Where a colleague was faster, the change is tried again if it still means the same, and put
   * to the operator if it does not.
   *
   * @param {string} id
   * @param {Change} change
   */
  async change(id, change) {
    const before = structuredClone(this.inbox.get(id));
    if (!before) return;
    try {
      for (let tries = 1; ; tries++) {
        try {
          const etag = this.#etags.get(id) ?? (await this.#fetch(id)).etag;
          const answer = await this.api.change(id, change, etag);
          this.#etags.set(id, answer.etag);
          return this.inbox.put(answer.conversation);
        } catch (error) {
          if (!(error instanceof ApiError) || error.status !== 412 || tries === CHANGE_TRIES) throw error;
          const { conversation } = await this.#fetch(id);
          const fields = /** @type {(keyof typeof FIELD_NAMES)[]} */ (Object.keys(FIELD_NAMES));
          const collided = fields.find((field) => field in change && `${before[field]}` !== `${conversation[field]}`);
          if (collided) return this.#ask(id, change, FIELD_NAMES[collided]);
        }
      }
    } catch (error) {
      this.#failed(error);
    }
  }

  async listOperators() {
    try {
      this.operators = (await this.api.operators()).data;
      this.#changed();
    } catch (error) {
      this.#failed(error);
    }
  }

  /** @param {import('./inbox.js').Filter} [filter] */
  async list(filter) {
    await this.inbox.load(filter).catch((error) => this.#failed(error));
  }

  async listMore() {
    await this.inbox.loadMore().catch((error) => this.#failed(error));
  }

  async signOut() {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    try {
      await this.api.signOut();
    } catch (error) {
      this.#isLeaving = false;
      // Whoever believes to be signed out walks away from an open session.
      if (!isOver(error)) return this.emit('notice', { text: `You are still signed in. ${messageOf(error)}` });
    }
    this.#end('');
  }

  /** @returns {ChatListeners} */
  get #listeners() {
    return {
      log: (id) => id === this.selected && this.#changed(),
      inbox: () => this.#listAgain(),
      event: (event) => this.#took(event),
      read: ({ conversation, author, seq }) => this.inbox.read(conversation, author.id ?? '', seq),
      typing: (typing) => this.#sawTyping(typing),
      presence: (presence) => this.#sawPresence(presence),
      page: (frame) => this.#sawPage(frame),
      welcome: (principal) => this.#isMine(principal.id),
      refused: ({ title }) => this.emit('notice', { text: title }),
      phase: ({ phase, code }) => this.#phaseChanged(phase, code),
    };
  }

  /**
   * @param {Phase} phase
   * @param {number | undefined} code
   */
  #phaseChanged(phase, code) {
    if (phase === 'online') this.wasOnline = true;
    // A refused upgrade looks like a broken network, so that only asking tells whether the session is still good.
    if (phase === 'waiting') this.#checkSession();
    if (phase === 'stopped' && code === 4100) this.#end(this.#isLeaving ? '' : ENDED);
    this.#changed();
  }

  async #checkSession() {
    try {
      this.#isMine((await this.api.session()).operator.id);
    } catch (error) {
      if (isOver(error)) this.#end(ENDED);
    }
  }

  /**
   * All tabs share the cookie, so that signing in as somebody else in one changes who acts in the others.
   *
   * @param {string} operator the id of the one whom the server sees
   */
  #isMine(operator) {
    if (operator !== this.me.id) this.#end('Somebody else has signed in with this browser.');
  }

  /** @param {string} why */
  #end(why) {
    if (this.#isOver) return;
    this.#isOver = true;
    this.stop();
    this.emit('signedOut', why);
  }

  /** After a cut, the lists may have moved on without this window. */
  async #listAgain() {
    await this.list();
    if (this.selected) this.inbox.refresh(this.selected);
    this.listOperators();
  }

  /** @param {EventFrame} event */
  #took(event) {
    const isNew = event.seq > (this.inbox.get(event.conversation)?.seq ?? 0);
    this.inbox.take(event);
    if (event.kind !== 'message') return void this.#etags.delete(event.conversation);
    const { author } = event.message;
    this.typing(event.conversation).saw(author.id ?? author.kind, null, false);
    if (!isNew || author.kind !== 'visitor' || event.conversation === this.selected) return;
    const visitor = this.inbox.get(event.conversation)?.visitor;
    this.emit('news', `New message from ${visitor ? visitorName(visitor) : 'a new visitor'}`);
  }

  /** @param {Typing} typing */
  #sawTyping({ conversation, author, active, kind }) {
    if (author.id === this.me.id) return;
    const visitor = this.inbox.get(conversation)?.visitor;
    const name = author.kind === 'visitor' && visitor ? visitorName(visitor) : (author.name ?? 'Somebody');
    this.typing(conversation).saw(author.id ?? author.kind, kind === 'note' ? `${name} (note)` : name, active);
  }

  /** @param {Presence} presence */
  #sawPresence({ author, online }) {
    if (!author?.id) return;
    if (author.kind === 'visitor') return this.inbox.sawVisitor(author.id, { online });
    const operator = this.operator(author.id);
    if (operator) operator.online = online;
    else this.listOperators();
    this.#changed();
  }

  /** @param {PageFrame} frame */
  #sawPage({ visitor, page }) {
    this.inbox.sawVisitor(visitor, { page });
    // No frame says that a visitor has given a name, so the one who is being looked at is asked for again.
    if (this.selected && this.conversation?.visitor.id === visitor) this.inbox.refresh(this.selected);
  }

  /** @param {string} id */
  async #fetch(id) {
    const answer = await this.api.conversation(id);
    this.#etags.set(id, answer.etag);
    this.inbox.put(answer.conversation);
    return answer;
  }

  /**
   * @param {string} id
   * @param {Change} change
   * @param {string} field
   */
  #ask(id, change, field) {
    const run = () => void this.change(id, change);
    this.emit('notice', {
      text: `A colleague has just changed the ${field}.`,
      action: { label: 'Change it anyway', run },
    });
  }

  /** @param {unknown} error */
  #failed(error) {
    if (isOver(error)) return this.#end(ENDED);
    if (error instanceof ApiError && error.status === 404 && !this.conversation)
      this.failure = 'There is no such conversation.';
    else this.emit('notice', { text: messageOf(error) });
  }

  #changed() {
    this.emit('change', null);
  }
}

/** @param {unknown} error */
function isOver(error) {
  return error instanceof ApiError && error.status === 401;
}

/** @param {unknown} error */
function messageOf(error) {
  return error instanceof Error ? error.message : 'That did not work.';
}
