/** The most characters that a server takes in one message, unless its host has set another bound. */
export const TEXT_CHARS_MAX = 8000;

/** A random id, also on plain http pages, which lack `crypto.randomUUID`. */
export function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/**
 * What a person typed without what the server refuses, NUL and halves of surrogate pairs, and without the space around.
 *
 * @param {string} typed
 */
export function tidy(typed) {
  return typed.toWellFormed().replaceAll('\0', '').trim();
}

/**
 * The first characters of a text, counted as a server does: code points, not UTF-16 units.
 *
 * @param {string} text
 * @param {number} max
 */
export function clip(text, max) {
  return [...text].slice(0, max).join('');
}
