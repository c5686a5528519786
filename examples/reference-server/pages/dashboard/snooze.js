import { fullTime } from './names.js';

const HOUR_MS = 3_600_000;
const MORNING_HOUR = 9;

/**
 * The times until which a conversation may sensibly rest.
 *
 * @param {Date} [now]
 * @returns {{label: string, until: Date, hint: string}[]}
 */
export function snoozeTimes(now = new Date()) {
  /** @type {[string, Date][]} */
  const times = [
    ['For an hour', new Date(now.getTime() + HOUR_MS)],
    ['For four hours', new Date(now.getTime() + 4 * HOUR_MS)],
    ['Until tomorrow', morning(now, 1)],
    ['Until Monday', morning(now, (8 - now.getDay()) % 7 || 7)],
  ];
  return times.map(([label, until]) => ({ label, until, hint: fullTime(until) }));
}

/**
 * @param {Date} now
 * @param {number} days
 */
function morning(now, days) {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, MORNING_HOUR);
}
