/**
 * @import {LineRow, MessageRow, Pending, Row} from '/convor/client/types.js'
 * @import {VisitorSeen} from '/convor/client/wire.js'
 */
import { clockTime, dayName, h, icon, set, setText } from '/convor/widget/view.js';
import { CHECK, CLOCK, INBOX, INFO, LOCK, REOPEN } from './icons.js';
import { authorName, shortTime } from './names.js';

const DELIVERY = { '': '', sending: 'Sending…', sent: 'Sent', seen: 'Seen', failed: 'Not sent.' };

/**
 * @typedef {object} Readers who the rows are drawn for and about
 * @property {string} me the operator's id
 * @property {VisitorSeen} visitor
 * @property {(entry: Pending) => void} retry
 * @property {(entry: Pending) => void} discard
 */

/**
 * @param {Row} row
 * @param {Readers} readers
 */
export function makeRow(row, readers) {
  if (row.type === 'day') return h('div', { class: 'day' }, h('span', {}, dayName(row.at)));
  if (row.type === 'line') return line(row, readers);
  return h(
    'div',
    { 'data-testid': row.note ? 'note' : 'message' },
    h(
      'p',
      { class: 'author' },
      row.note && icon(LOCK, 14),
      h('span'),
      row.note && h('span', { class: 'kind' }, 'Internal note'),
    ),
    h('p', { class: 'bubble' }),
    h('p', { class: 'meta' }, h('time'), h('span', { class: 'delivery' })),
  );
}

/**
 * @param {HTMLElement} node
 * @param {Row} row
 * @param {Readers} readers
 */
export function updateRow(node, row, readers) {
  if (row.type !== 'message') return;
  const [author, bubble, meta] = /** @type {Iterable<HTMLElement>} */ (node.children);
  const [time, delivery] = meta.children;
  const marks = ['message', row.ours && 'ours', row.note && 'note', row.opens && 'opens', row.ends && 'ends'];
  set(node, 'class', marks.filter(Boolean).join(' '));
  const name = row.author ? authorName(row.author, readers.visitor, readers.me) : 'You';
  setText(/** @type {Element} */ (author.querySelector('span')), name);
  set(author, 'class', row.opens ? 'author' : 'author hidden');
  setText(bubble, row.text ?? 'This message has been removed.');
  bubble.classList.toggle('erased', row.text === null);
  setText(time, clockTime(row.at));
  set(time, 'datetime', row.at.toISOString());
  setText(delivery, DELIVERY[row.delivery]);
  meta.hidden = !row.ends && !row.delivery;
  set(meta, 'class', row.delivery === 'failed' ? 'meta failed' : 'meta');
  drawFailure(meta, row, readers);
}

/**
 * @param {HTMLElement} meta
 * @param {MessageRow} row
 * @param {Readers} readers
 */
function drawFailure(meta, { delivery, pending }, { retry, discard }) {
  const buttons = meta.querySelectorAll('button');
  if (delivery !== 'failed' || !pending) return buttons.forEach((button) => button.remove());
  if (buttons.length) return;
  meta.append(
    h('button', { type: 'button', class: 'link', onclick: () => retry(pending) }, 'Try again'),
    h('button', { type: 'button', class: 'link', onclick: () => discard(pending) }, 'Discard'),
  );
}

/**
 * @param {LineRow} row
 * @param {Readers} readers
 */
function line({ event, at }, { visitor, me }) {
  const by = authorName(event.by, visitor, me);
  const [drawing, text] = describe(event, by, me);
  return h(
    'div',
    { class: 'line' },
    icon(drawing, 15),
    h('span', {}, text),
    h('time', { datetime: at.toISOString() }, clockTime(at)),
  );
}

/**
 * @param {LineRow['event']} event
 * @param {string} by
 * @param {string} me
 * @returns {[string, string]}
 */
function describe(event, by, me) {
  if (event.kind === 'tagged')
    return [INFO, event.tags.length ? `${by} set the tags ${event.tags.join(', ')}` : `${by} removed all tags`];
  if (event.kind === 'assigned') {
    const to = event.assignee?.id === me ? 'you' : event.assignee?.name;
    if (event.assignee && event.assignee.id === event.by.id) return [INBOX, `${by} took this conversation`];
    return [INBOX, to ? `${by} assigned this to ${to}` : `${by} removed the assignment`];
  }
  if (event.status === 'closed') return [CHECK, `${by} closed this conversation`];
  if (event.status === 'open') return [REOPEN, `${by} opened this conversation again`];
  const until = event.snoozed_until ? ` until ${shortTime(new Date(event.snoozed_until))}` : '';
  return [CLOCK, `${by} snoozed this conversation${until}`];
}
