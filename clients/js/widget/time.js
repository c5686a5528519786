const CLOCK = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });
const DAY_MS = 86_400_000;

/** @param {Date} at */
export function clockTime(at) {
  return CLOCK.format(at);
}

/**
 * @param {Date} at
 * @param {Date} [today]
 */
export function dayName(at, today = new Date()) {
  const midnight = (/** @type {Date} */ date) => new Date(date).setHours(0, 0, 0, 0);
  const days = Math.round((midnight(today) - midnight(at)) / DAY_MS);
  return days === 0 ? 'Today' : days === 1 ? 'Yesterday' : DAY.format(at);
}
