/**
 * @import {LogEvent, MessageKind} from './wire.js'
 * @import {Pending} from './types.js'
 */

/** The most characters that a server takes in one message, unless its host has set another bound. */
export const TEXT_CHARS_MAX = 8000;

/**
 * What a person typed, without what the server refuses (NUL, halves of surrogate pairs) and without the space around.
 *
 * @param {string} typed
 */
export function tidy(typed) {
  return typed.toWellFormed().replaceAll('\0', '').trim();
}

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

  /** @param {Pending} entry */
  discard(entry) {
    this.#entries = this.#entries.filter((other) => other !== entry);
  }

  /**
   * What may go out now: of each conversation the oldest that is not stored, and only while none is under way, so that
   * a retry cannot be overtaken by what was written later.
   */
  due() {
    /** @type {Map<string, Pending>} */
    const heads = new Map();
    for (const entry of this.#entries) {
      const open = entry.state === 'queued' || entry.state === 'sent';
      if (open && !heads.has(entry.conversation)) heads.set(entry.conversation, entry);
    }
    return [...heads.values()].filter(({ state }) => state === 'queued');
  }

  /** After a cut nobody knows what arrived, so everything without an ack goes out again. */
  requeue() {
    for (const entry of this.#entries) if (entry.state === 'sent') entry.state = 'queued';
  }

  /**
   * Lets go of what the log now shows.
   *
   * @param {string} conversation
   * @param {{events: LogEvent[], last: number}} log
   */
  settle(conversation, { events, last }) {
    this.#entries = this.#entries.filter(({ conversation: other, client_id, seq = Infinity }) => {
      if (other !== conversation) return true;
      return seq > last && !events.some((event) => event.kind === 'message' && event.message.client_id === client_id);
    });
  }
}

/** A random id (RFC 9562, version 4), also on plain http pages, which lack `crypto.randomUUID`. */
function uuid() {
  const bytes = [...crypto.getRandomValues(new Uint8Array(16))];
  const hex = bytes.map((byte) => (byte + 256).toString(16).slice(1)).join('');
  return hex.replace(/(.{8})(.{4}).(.{3}).(.{3})/, '$1-$2-4$3-8$4-');
}
