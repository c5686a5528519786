/**
 * @import {Ack, ErrorFrame, EventFrame, MessageKind, Principal, Resume, SayPage, SayRead,
 *   SayTyping, ServerFrame} from './wire.js'
 * @import {ChatOptions, Pending, Phase} from './types.js'
 */
import { Follower } from './log.js';
import { Outbox, pendingMessage } from './outbox.js';
import { Socket } from './socket.js';
import { systemClock } from './clock.js';

const RESUMES_MAX = 100;
const RETRY_MS = 2000;

/**
 * One side of a chat. What was sent once arrives once, whatever the network does.
 */
export class Chat {
  #http;
  #on;
  #clock;
  #socket;
  #outbox = new Outbox();
  /** @type {Map<string, Follower>} */
  #followed = new Map();
  /** @type {Principal['kind'] | undefined} */
  #kind;
  /** What this connection brings the events of. @type {Set<string>} */
  #joined = new Set();
  #wantsInbox = false;

  /** @param {ChatOptions} options */
  constructor({ http, on, clock = systemClock, WebSocket }) {
    this.#http = http;
    this.#on = on;
    this.#clock = clock;
    this.#socket = new Socket({
      url: http.socketUrl,
      hello: () => this.#hello(),
      onFrame: (frame) => this.#receive(frame),
      onPhase: (phase, code) => this.#changePhase(phase, code),
      clock,
      WebSocket,
    });
  }

  get phase() {
    return this.#socket.phase;
  }

  start() {
    this.#socket.start();
  }

  stop() {
    for (const conversation of this.#followed.keys()) this.unfollow(conversation);
    this.#socket.stop();
  }

  wake() {
    this.#socket.wake();
  }

  rest() {
    this.#socket.rest();
  }

  /**
   * Loads the newest events and keeps them complete from then on. It rejects for lasting reasons only.
   *
   * @param {string} conversation
   */
  async follow(conversation) {
    if (this.#followed.has(conversation)) return;
    const path = `/v1/conversations/${encodeURIComponent(conversation)}/events`;
    const follower = new Follower(
      async (query) => (await this.#http.request('GET', path, { query })).body,
      () => this.#logChanged(conversation),
      this.#clock,
    );
    this.#followed.set(conversation, follower);
    await follower.load().catch((error) => {
      // A second try has to find no dead one in its place.
      if (this.#followed.get(conversation) === follower) this.#followed.delete(conversation);
      throw error;
    });
  }

  /** @param {string} conversation */
  unfollow(conversation) {
    this.#followed.get(conversation)?.stop();
    this.#joined.delete(conversation);
    const wasFollowed = this.#followed.delete(conversation);
    if (!wasFollowed || this.#kind === 'visitor') return;
    this.#socket.send({ type: 'unsubscribe', ref: conversation, conversation });
  }

  /** @param {string} conversation */
  log(conversation) {
    return this.#followed.get(conversation)?.log;
  }

  /** @param {string} conversation */
  async loadOlder(conversation) {
    await this.#followed.get(conversation)?.loadOlder();
  }

  watchInbox() {
    this.#wantsInbox = true;
    this.#socket.send({ type: 'subscribe', ref: 'inbox', inbox: true });
  }

  /**
   * @param {string} conversation
   * @param {string} text
   * @param {MessageKind} [kind]
   */
  send(conversation, text, kind) {
    this.deliver(pendingMessage({ conversation, text, kind, at: this.#clock.now() }));
  }

  /** @param {Pending} entry */
  deliver(entry) {
    this.#outbox.add(entry);
    this.retry(entry);
  }

  /** @param {string} conversation */
  pending(conversation) {
    return this.#outbox.of(conversation);
  }

  /** @param {Pending} entry */
  retry(entry) {
    entry.state = 'queued';
    this.#flush();
    this.#on.log?.(entry.conversation);
  }

  /** @param {Pending} entry */
  discard(entry) {
    this.#outbox.discard(entry);
    this.#on.log?.(entry.conversation);
  }

  /**
   * @param {SayTyping | SayRead | SayPage} frame
   * @returns {boolean} false where it could not be said now
   */
  say(frame) {
    return this.#socket.send(frame);
  }

  #hello() {
    /** @type {Resume[]} */
    const held = [];
    for (const [conversation, { log }] of this.#followed) {
      if (log.loaded) held.push({ conversation, epoch: log.epoch, after: log.last });
    }
    const resume = held.slice(-RESUMES_MAX);
    this.#joined = new Set(resume.map(({ conversation }) => conversation));
    return { token: this.#http.credentials.token, resume };
  }

  /**
   * @param {Phase} phase
   * @param {number} [code]
   */
  #changePhase(phase, code) {
    if (phase !== 'online') this.#outbox.requeue();
    this.#on.phase?.({ phase, code });
  }

  /** @param {ServerFrame} frame */
  #receive(frame) {
    switch (frame.type) {
      case 'welcome':
        this.#on.welcome?.(frame.principal);
        return this.#welcomed(frame.principal);
      case 'event':
        return this.#took(frame);
      case 'ack':
        return this.#acked(frame);
      case 'reset':
        return frame.conversation ? this.#reset(frame.conversation) : this.#on.inbox?.(null);
      case 'error':
        return this.#refused(frame);
      case 'subscribed':
        return frame.inbox && this.#on.inbox?.(null);
      case 'typing':
        return this.#on.typing?.(frame);
      case 'read':
        return this.#on.read?.(frame);
      case 'presence':
        return this.#on.presence?.(frame);
      case 'page':
        return this.#on.page?.(frame);
    }
  }

  /** @param {string} conversation */
  #reset(conversation) {
    this.#followed
      .get(conversation)
      ?.load()
      .catch(() => {});
  }

  /** @param {Principal} principal */
  #welcomed({ kind }) {
    this.#kind = kind;
    if (this.#wantsInbox) this.watchInbox();
    for (const conversation of this.#followed.keys()) this.#join(conversation);
    this.#flush();
  }

  /**
   * Brings what happened between the page that was read and this connection, once. Operators have to subscribe anyway.
   *
   * @param {string} conversation
   */
  #join(conversation) {
    const follower = this.#followed.get(conversation);
    if (!follower?.log.loaded || this.phase !== 'online' || this.#joined.has(conversation)) return;
    this.#joined.add(conversation);
    if (this.#kind === 'visitor') return void follower.fill().catch(() => {});
    this.#socket.send({ type: 'subscribe', ref: conversation, conversation, after: follower.log.last });
  }

  /** @param {EventFrame} event */
  #took(event) {
    this.#followed.get(event.conversation)?.accept(event);
    this.#on.event?.(event);
  }

  /** @param {Ack} ack */
  #acked(ack) {
    const entry = this.#outbox.find(ack.client_id);
    if (entry) Object.assign(entry, { state: 'acked', seq: ack.seq });
    // Without a log, nothing will come to take its place.
    if (entry && !this.log(ack.conversation)) this.#outbox.discard(entry);
    this.#logChanged(ack.conversation);
    this.#flush();
  }

  /** @param {ErrorFrame} error */
  #refused(error) {
    const { ref = '', code, retry_after_ms: pauseMs = RETRY_MS } = error;
    const entry = this.#outbox.find(ref);
    const isPassing = code === 'rate_limited' || code === 'unavailable';
    if (isPassing && ref === 'inbox') return void this.#clock.after(pauseMs, () => this.watchInbox());
    if (isPassing && this.#followed.has(ref)) {
      this.#joined.delete(ref);
      return void this.#clock.after(pauseMs, () => this.#join(ref));
    }
    if (!entry) return this.#on.refused?.(error);
    if (isPassing) {
      this.#clock.after(pauseMs, () => entry.state === 'sent' && this.retry(entry));
    } else {
      Object.assign(entry, { state: 'failed', reason: error.title });
      this.#flush();
    }
    this.#on.log?.(entry.conversation);
  }

  #flush() {
    for (const entry of this.#outbox.due()) {
      const { client_id, conversation, text, kind } = entry;
      const sent = this.#socket.send({ type: 'send', ref: client_id, conversation, client_id, text, kind });
      if (sent) entry.state = 'sent';
    }
  }

  /** @param {string} conversation */
  #logChanged(conversation) {
    const log = this.log(conversation);
    if (log?.loaded) this.#outbox.settle(conversation, log);
    this.#join(conversation);
    this.#on.log?.(conversation);
  }
}
