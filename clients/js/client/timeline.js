/**
 * @import {AssignedEvent, Author, LogEvent, MessageEvent, StatusEvent, TaggedEvent} from './wire.js'
 * @import {LineRow, MessageRow, Pending, Reader, Row} from './types.js'
 */

/** Messages of one author within this time read as one turn. */
const TURN_MS = 5 * 60_000;

/**
 * A conversation as one reads it: days, turns, what happened in between, and last what is still on its way.
 *
 * @param {LogEvent[]} events
 * @param {Pending[]} pending
 * @param {Reader} reader
 * @returns {Row[]}
 */
export function timeline(events, pending, reader) {
  /** @type {(MessageRow | LineRow)[]} */
  const rows = [];
  for (const event of events) {
    const row = event.kind === 'message' ? messageRow(event, reader) : lineRow(event);
    if (row) rows.push(row);
  }
  markDelivery(rows, events, reader);
  rows.push(...pending.map(pendingRow));
  markTurns(rows, reader);
  return withDays(rows);
}

/**
 * @param {MessageEvent} event
 * @param {Reader} reader
 * @returns {MessageRow}
 */
function messageRow({ seq, at, message }, reader) {
  const ours = (message.author.kind === 'visitor') === (reader.kind === 'visitor');
  return {
    type: 'message',
    key: ours ? message.client_id : `event ${seq}`,
    at: new Date(at),
    author: message.author,
    ours,
    note: message.kind === 'note',
    text: message.text,
    opens: true,
    ends: true,
    delivery: '',
  };
}

/**
 * @param {StatusEvent | AssignedEvent | TaggedEvent} event
 * @returns {LineRow | null} null for a kind that this client does not know
 */
function lineRow(event) {
  if (!['status', 'assigned', 'tagged'].includes(event.kind)) return null;
  return { type: 'line', key: `event ${event.seq}`, at: new Date(event.at), event };
}

/**
 * @param {Pending} pending
 * @returns {MessageRow}
 */
function pendingRow(pending) {
  const { client_id, at, kind, text, state } = pending;
  const delivery = state === 'failed' ? 'failed' : state === 'acked' ? 'sent' : 'sending';
  const mark = /** @type {const} */ ({ ours: true, opens: true, ends: true, delivery });
  return { type: 'message', key: client_id, at: new Date(at), author: null, note: kind === 'note', text, pending, ...mark };
}

/**
 * Only the latest message that the other side can see tells how far it got; the ones before it went at least as far.
 *
 * @param {(MessageRow | LineRow)[]} rows
 * @param {LogEvent[]} events
 * @param {Reader} reader
 */
function markDelivery(rows, events, reader) {
  const latest = events.findLast((event) => event.kind === 'message' && event.message.kind === 'message');
  if (latest?.kind !== 'message') return;
  const key = messageRow(latest, reader).key;
  const row = rows.findLast((candidate) => candidate.key === key);
  if (row?.type === 'message' && row.ours) row.delivery = reader.otherReadSeq >= latest.seq ? 'seen' : 'sent';
}

/**
 * @param {(MessageRow | LineRow)[]} rows
 * @param {Reader} reader
 */
function markTurns(rows, reader) {
  for (const [index, row] of rows.entries()) {
    const before = rows[index - 1];
    if (row.type !== 'message' || before?.type !== 'message' || !sameTurn(before, row, reader)) continue;
    row.opens = false;
    before.ends = false;
  }
}

/**
 * @param {MessageRow} before
 * @param {MessageRow} row
 * @param {Reader} reader
 */
function sameTurn(before, row, reader) {
  const soon = row.at.getTime() - before.at.getTime() < TURN_MS && sameDay(before.at, row.at);
  return soon && before.note === row.note && authorKey(before.author, reader) === authorKey(row.author, reader);
}

/**
 * @param {Author | null} author
 * @param {Reader} reader
 */
function authorKey(author, reader) {
  const { kind, id, name } = author ?? { ...reader, name: null };
  return kind === 'visitor' ? kind : `${kind} ${id ?? name}`;
}

/**
 * @param {(MessageRow | LineRow)[]} rows
 * @returns {Row[]}
 */
function withDays(rows) {
  return rows.flatMap((row, index) => {
    const before = rows[index - 1];
    if (before && sameDay(before.at, row.at)) return [row];
    return [{ type: 'day', key: `day ${row.at.toDateString()}`, at: row.at }, row];
  });
}

/**
 * @param {Date} one
 * @param {Date} other
 */
function sameDay(one, other) {
  return one.toDateString() === other.toDateString();
}
