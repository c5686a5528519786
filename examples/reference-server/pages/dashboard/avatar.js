/** @import {VisitorSeen} from '/convor/client/wire.js' */
import { h, set, setText } from '/convor/widget/view.js';
import { initials } from './names.js';

const TINTS = 6;

/** A visitor's initials with a dot that tells whether the visitor is there. */
export function avatar() {
  const letters = h('span', { class: 'letters', 'aria-hidden': 'true' });
  return h('span', { class: 'avatar', 'data-testid': 'presence' }, letters, h('span', { class: 'hidden' }));
}

/**
 * @param {HTMLElement} element made by {@link avatar}
 * @param {VisitorSeen} visitor
 */
export function showAvatar(element, visitor) {
  const [letters, said] = element.children;
  setText(letters, initials(visitor));
  setText(said, visitor.online ? 'Online. ' : '');
  set(element, 'data-online', `${visitor.online}`);
  set(element, 'data-tint', parseInt(visitor.id.slice(-4), 16) % TINTS);
}
