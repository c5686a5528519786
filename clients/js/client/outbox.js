/**
 * @import {Ack, LogEvent, MessageKind} from './wire.js'
 * @import {Pending} from './types.js'
 */
import { uuid } from './text.js';

/**
 * @param {{conversation: string, text: string, kind?: MessageKind, at: number}} message
 * @returns {Pending}
 */
export function pendingMessage({ conversation, text, kind = 'message', at }) {
  return { client_id: uuid(), conversation, text, kind, at, state: 'queued' };
}

/**
 * Messages that the log does not show yet. Each keeps its `client_id` for good, so that sending it again after a cut is
 * safe, and leaves only when its event has taken its place.
 */
export class Outbox {
  /** @type {Pending[]} */
  #entries = [];

  /**
   * @param {string} conversation
   * @returns {Pending[]} in the order in which they were written
   */
  of(conversation) {
    return this.#entries.filter((entry) => entry.conversation === conversation);
  }

  /** @param {string | undefined} clientId */
  find(clientId) {
    return this.#entries.find((entry) => entry.client_id === clientId);
  }

  /** @param {Pending} entry */
  add(entry) {
    this.#entries.push(entry);
  }

  /**
   * What may go out now: of each conversation the oldest that is not stored, and only while none is under way, so that
   * a retry cannot overtake what was written later.
   *
   * @returns {Pending[]}
   */
  due() {
    /** @type {Map<string, Pending>} */
    const heads = new Map();
    for (const entry of this.#entries) {
      const open = entry.state === 'queued' || entry.state === 'sent';
      if (open && !heads.has(entry.conversation)) heads.set(entry.conversation, entry);
    }
    return [...heads.values()].filter((entry) => entry.state === 'queued');
  }

  /** @param {Ack} ack */
  acked(ack) {
    const entry = this.find(ack.client_id);
    if (entry) Object.assign(entry, { state: 'acked', seq: ack.seq });
  }

  /**
   * @param {string} clientId
   * @param {string} reason
   */
  failed(clientId, reason) {
    const entry = this.find(clientId);
    if (entry) Object.assign(entry, { state: 'failed', reason });
  }

  /** @param {string} clientId */
  requeue(clientId) {
    const entry = this.find(clientId);
    if (entry && entry.state !== 'acked') Object.assign(entry, { state: 'queued', reason: undefined });
  }

  /** After a cut nobody knows what arrived, so everything without an ack goes out again. */
  requeueUnacked() {
    for (const entry of this.#entries) if (entry.state === 'sent') entry.state = 'queued';
  }

  /** @param {string} clientId */
  discard(clientId) {
    this.#entries = this.#entries.filter((entry) => entry.client_id !== clientId);
  }

  /**
   * Lets go of what the log now shows.
   *
   * @param {string} conversation
   * @param {{events: LogEvent[], last: number}} log
   */
  settle(conversation, log) {
    this.#entries = this.#entries.filter((entry) => entry.conversation !== conversation || !isShown(entry, log));
  }
}

/**
 * @param {Pending} entry
 * @param {{events: LogEvent[], last: number}} log
 */
function isShown(entry, log) {
  if (entry.seq !== undefined && entry.seq <= log.last) return true;
  return log.events.some((event) => event.kind === 'message' && event.message.client_id === entry.client_id);
}
