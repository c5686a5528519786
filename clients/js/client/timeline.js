/**
 * @import {Author, LogEvent, MessageEvent} from './wire.js'
 * @import {LineRow, MessageRow, Pending, Reader, Row} from './types.js'
 */

const TURN_MS = 5 * 60_000;

/**
 * A conversation as one reads it: days, turns of messages, what happened in between, what is still on its way.
 *
 * @param {LogEvent[]} events
 * @param {Pending[]} pending
 * @param {Reader} reader
 */
export function timeline(events, pending, reader) {
  /** @type {Row[]} */
  const rows = [];
  for (const event of events) {
    if (event.kind === 'message') add(rows, messageRow(event, reader), reader);
    // Of a kind that this client does not know there is nothing to show.
    else if (/^(status|assigned|tagged)$/.test(event.kind)) {
      add(rows, { type: 'line', key: `event ${event.seq}`, at: new Date(event.at), event }, reader);
    }
  }
  markDelivery(rows, events, reader);
  for (const entry of pending) add(rows, pendingRow(entry), reader);
  return rows;
}

/**
 * @param {Row[]} rows
 * @param {MessageRow | LineRow} row
 * @param {Reader} reader
 */
function add(rows, row, reader) {
  const before = rows.at(-1);
  if (before?.at.toDateString() !== row.at.toDateString()) {
    rows.push({ type: 'day', key: `day ${row.at.toDateString()}`, at: row.at });
  } else if (before.type === 'message' && row.type === 'message' && isSameTurn(before, row, reader)) {
    before.ends = row.opens = false;
  }
  rows.push(row);
}

/**
 * @param {MessageEvent} event
 * @param {Reader} reader
 * @returns {MessageRow}
 */
function messageRow({ seq, at, message: { author, client_id, kind, text } }, reader) {
  const ours = (author.kind === 'visitor') === (reader.kind === 'visitor');
  const key = ours ? client_id : `event ${seq}`;
  return { ...ROW, key, at: new Date(at), author, ours, note: kind === 'note', text };
}

/**
 * @param {Pending} pending
 * @returns {MessageRow}
 */
function pendingRow(pending) {
  const { client_id, at, kind, text, state } = pending;
  const delivery = state === 'failed' ? state : state === 'acked' ? 'sent' : 'sending';
  const row = { ...ROW, key: client_id, at: new Date(at), author: null, ours: true, note: kind === 'note' };
  return { ...row, text, delivery, pending };
}

const ROW = /** @type {const} */ ({ type: 'message', opens: true, ends: true, delivery: '' });

/**
 * Only the latest message tells how far it got; those before it went at least as far.
 *
 * @param {Row[]} rows
 * @param {LogEvent[]} events
 * @param {Reader} reader
 */
function markDelivery(rows, events, reader) {
  const latest = events.findLast((event) => event.kind === 'message' && event.message.kind === 'message');
  if (latest?.kind !== 'message') return;
  const { key } = messageRow(latest, reader);
  const row = rows.findLast((candidate) => candidate.key === key);
  if (row?.type === 'message' && row.ours) row.delivery = reader.otherReadSeq >= latest.seq ? 'seen' : 'sent';
}

/**
 * @param {MessageRow} before
 * @param {MessageRow} row
 * @param {Reader} reader
 */
function isSameTurn(before, row, reader) {
  const key = (/** @type {Partial<Author>} */ { kind, id, name }) => (kind === 'visitor' ? kind : (id ?? name));
  const isSameAuthor = before.ours === row.ours && key(before.author ?? reader) === key(row.author ?? reader);
  return isSameAuthor && before.note === row.note && row.at.getTime() - before.at.getTime() < TURN_MS;
}
