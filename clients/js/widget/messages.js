/** @import {LineRow, Pending, Row} from '../client/types.js' */
import { clockTime, dayName } from './log-view.js';
import { h, set, setText } from './dom.js';

const DELIVERY = { '': '', sending: 'Sending…', sent: 'Sent', seen: 'Seen', failed: 'Not sent.' };

/** @param {Row} row */
export function makeRow(row) {
  if (row.type === 'day') return h('div', { class: 'day' }, dayName(row.at));
  if (row.type === 'line') return h('div', { class: 'line' }, lineText(row));
  return h(
    'div',
    { 'data-testid': 'message' },
    h('span', { class: 'author' }),
    h('p', { class: 'bubble' }),
    h('div', { class: 'meta' }, h('time'), h('span', { class: 'delivery' })),
  );
}

/**
 * @param {HTMLElement} node
 * @param {Row} row
 * @param {(entry: Pending) => void} retry
 */
export function updateRow(node, row, retry) {
  if (row.type !== 'message') return;
  const [author, bubble, meta] = /** @type {Iterable<HTMLElement>} */ (node.children);
  const [time, delivery] = meta.children;
  set(node, 'class', ['message', row.ours && 'ours', row.opens && 'opens', row.ends && 'ends'].filter(Boolean).join(' '));
  setText(author, row.ours ? 'You' : (row.author?.name ?? 'Team'));
  set(author, 'class', row.ours || !row.opens ? 'author hidden' : 'author');
  setText(bubble, row.text ?? 'This message has been removed.');
  bubble.classList.toggle('erased', row.text === null);
  setText(time, clockTime(row.at));
  set(time, 'datetime', row.at.toISOString());
  setText(delivery, DELIVERY[row.delivery]);
  meta.hidden = !row.ends && !row.delivery;
  set(meta, 'class', row.delivery === 'failed' ? 'meta failed' : 'meta');
  const button = meta.querySelector('.retry');
  if (row.delivery !== 'failed') button?.remove();
  else if (!button) meta.append(h('button', { class: 'retry', type: 'button', onclick: () => row.pending && retry(row.pending) }, 'Try again'));
}

/** @param {LineRow} row */
function lineText({ event }) {
  if (event.kind !== 'status') return '';
  const who = event.by.kind === 'visitor' ? 'You' : (event.by.name ?? 'The team');
  return event.status === 'closed' ? `${who} closed this conversation` : `${who} opened this conversation again`;
}
