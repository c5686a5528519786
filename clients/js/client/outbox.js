/**
 * @import {Log} from './log.js'
 * @import {Pending} from './types.js'
 * @import {MessageKind} from './wire.js'
 */

export const TEXT_CHARS_MAX = 8000;

/**
 * What a person typed, without what a server refuses (NUL, halves of surrogate pairs) and the space around it.
 *
 * @param {string} typed
 */
export function tidy(typed) {
  return typed.toWellFormed().replaceAll('\0', '').trim();
}

/** @returns {Pending} */
export function pendingMessage({
  conversation = '',
  text = '',
  at = 0,
  kind = /** @type {MessageKind} */ ('message'),
}) {
  return { client_id: uuid(), conversation, text, kind, at, state: 'queued' };
}

/** Each message keeps its `client_id`, so that it can safely be sent again. */
export class Outbox {
  /** @type {Pending[]} */
  #entries = [];

  /** @param {string} conversation */
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

  /** What may go out now: one at a time for each conversation, so that no retry is overtaken by what came later. */
  due() {
    /** @type {Map<string, Pending>} */
    const heads = new Map();
    const open = this.#entries.filter(({ state }) => state === 'queued' || state === 'sent');
    for (const entry of open.reverse()) heads.set(entry.conversation, entry);
    return [...heads.values()].filter(({ state }) => state === 'queued');
  }

  requeue() {
    for (const entry of this.#entries) if (entry.state === 'sent') entry.state = 'queued';
  }

  /**
   * @param {string} conversation
   * @param {Log} log
   */
  settle(conversation, { events, last }) {
    const isShown = (/** @type {Pending} */ { client_id, seq = Infinity }) =>
      seq <= last || events.some((event) => event.kind === 'message' && event.message.client_id === client_id);
    this.#entries = this.#entries.filter((entry) => entry.conversation !== conversation || !isShown(entry));
  }
}

/** A random id (RFC 9562, version 4), also on plain http pages, which lack `crypto.randomUUID`. */
function uuid() {
  const bytes = [...crypto.getRandomValues(new Uint8Array(16))];
  const hex = bytes.map((byte) => (byte + 256).toString(16).slice(1)).join('');
  return hex.replace(/(.{8})(.{4}).(.{3}).(.{3})/, '$1-$2-4$3-8$4-');
}
