/** The most characters that a server takes in one message, unless its host has set another bound. */
export const TEXT_CHARS_MAX = 8000;

/**
 * A random id. `crypto.randomUUID` is missing on plain http pages, where a chat on a local network may well be tried.
 *
 * @returns {string}
 */
export function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/**
 * What a person typed, without what the server refuses (NUL, halves of surrogate pairs) and without the white space
 * around it.
 *
 * @param {string} typed
 * @returns {string}
 */
export function tidy(typed) {
  return typed.toWellFormed().replaceAll('\0', '').trim();
}

/**
 * The first `max` characters of a text, as a server counts them: code points, not UTF-16 units.
 *
 * @param {string} text
 * @param {number} max
 * @returns {string}
 */
export function clip(text, max) {
  return text.length <= max ? text : [...text].slice(0, max).join('');
}
