/**
 * @import {Author, VisitorSeen} from '/convor/client/wire.js'
 */
import { clockTime } from '/convor/widget/view.js';

const WEEKDAY = new Intl.DateTimeFormat(undefined, { weekday: 'short' });
const DATE = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const DATE_AND_TIME = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const DAY_MS = 86_400_000;

/**
 * What a visitor is called before there is a name: the end of the id tells visitors apart, its beginning is the time.
 *
 * @param {{id: string, name: string | null}} visitor
 */
export function visitorName(visitor) {
  return visitor.name ?? `Visitor ${visitor.id.slice(-4)}`;
}

/**
 * @param {Author} author
 * @param {VisitorSeen} visitor
 * @param {string} me the operator who reads
 */
export function authorName(author, visitor, me) {
  if (author.kind === 'visitor') return visitorName(visitor);
  if (author.kind === 'system') return 'Convor';
  return author.id === me ? 'You' : (author.name ?? 'A colleague');
}

/** @param {{name: string | null, id: string}} visitor */
export function initials(visitor) {
  if (!visitor.name) return visitor.id.slice(-2);
  const words = visitor.name.trim().split(/\s+/);
  const letters = words.length > 1 ? [words[0], words[words.length - 1]] : words;
  return letters.map((word) => [...word][0].toUpperCase()).join('');
}

/**
 * A time as short as its age allows.
 *
 * @param {Date} at
 * @param {Date} [now]
 */
export function shortTime(at, now = new Date()) {
  if (at.toDateString() === now.toDateString()) return clockTime(at);
  return Math.abs(now.getTime() - at.getTime()) < 6 * DAY_MS ? WEEKDAY.format(at) : DATE.format(at);
}

/** @param {Date} at */
export function fullTime(at) {
  return DATE_AND_TIME.format(at);
}

/**
 * @param {number} count
 * @param {string} one
 * @param {string} many
 */
export function counted(count, one, many) {
  return `${count} ${count === 1 ? one : many}`;
}
