/**
 * @import {Operator, PageSeen, StaffConversation} from '/convor/client/wire.js'
 * @import {Desk} from './desk.js'
 */
import { clockTime, h, icon, set, setText } from '/convor/widget/view.js';
import { CROSS } from './icons.js';
import { Tags } from './tags.js';
import { fullTime, visitorName } from './names.js';

/** Who the visitor is and where, who takes care of the conversation, and how it is filed. */
export class DetailsView {
  #desk;
  #tags;
  #operatorsShown = '';

  #name = h('dd', { 'data-testid': 'visitor-name' });
  #email = h('dd', { 'data-testid': 'visitor-email' });
  #since = h('dd');
  #page = h('div', { class: 'page', 'data-testid': 'current-page' });
  #assign = h('select', { id: 'assign', 'data-testid': 'assign', onchange: () => this.#assigned() });
  #toMe = h(
    'button',
    { type: 'button', class: 'link', 'data-testid': 'assign-to-me', onclick: () => this.assignToMe() },
    'Assign to me',
  );
  #snoozed = h('p', { class: 'note-line' });
  #body = h('div', { class: 'details-body' });

  /**
   * @param {Desk} desk
   * @param {{onClose: () => void}} options
   */
  constructor(desk, { onClose }) {
    this.#desk = desk;
    this.#tags = new Tags((tags) => desk.selected && desk.change(desk.selected, { tags }));
    this.close = h(
      'button',
      { type: 'button', class: 'quiet for-details', 'aria-label': 'Close the details', onclick: onClose },
      icon(CROSS, 20),
    );
    this.#body.append(
      section(
        'Visitor',
        facts([
          ['Name', this.#name],
          ['E-mail', this.#email],
          ['First seen', this.#since],
        ]),
      ),
      section('Current page', this.#page),
      section(
        'Handling',
        h(
          'div',
          { class: 'field' },
          h('div', { class: 'label-line' }, h('label', { for: 'assign' }, 'Assignee'), this.#toMe),
          this.#assign,
        ),
        this.#snoozed,
        this.#tags.element,
      ),
    );
    const escape = (/** @type {KeyboardEvent} */ event) => event.key === 'Escape' && onClose();
    this.element = h(
      'section',
      { class: 'details', 'aria-label': 'Details', onkeydown: escape },
      this.close,
      this.#body,
    );
  }

  draw() {
    const { conversation } = this.#desk;
    this.#body.hidden = !conversation;
    if (!conversation) return;
    const { visitor, tags } = conversation;
    setText(this.#name, visitorName(visitor));
    setText(this.#email, visitor.email ?? 'Not given');
    setText(this.#since, fullTime(new Date(visitor.created_at)));
    this.#drawPage(visitor.page, visitor.online);
    this.#drawAssignee(conversation);
    this.#tags.show(tags, this.#desk.inbox.tags);
  }

  assignToMe() {
    const { selected, me } = this.#desk;
    if (selected) this.#desk.change(selected, { assignee: me.id });
  }

  #assigned() {
    if (this.#desk.selected) this.#desk.change(this.#desk.selected, { assignee: this.#assign.value || null });
  }

  /**
   * @param {PageSeen | null} page
   * @param {boolean} online
   */
  #drawPage(page, online) {
    const shown = JSON.stringify([page, online]);
    if (this.#page.dataset.shown === shown) return;
    this.#page.dataset.shown = shown;
    if (!page) return setText(this.#page, 'Not known');
    const place = isWeb(page.url)
      ? h('a', { href: page.url, target: '_blank', rel: 'noopener noreferrer' }, withoutScheme(page.url))
      : h('span', {}, page.url);
    const when = `${online ? 'Since' : 'Last seen there at'} ${clockTime(new Date(page.at))}`;
    this.#page.replaceChildren(h('strong', {}, page.title ?? 'Untitled'), place, h('span', { class: 'when' }, when));
  }

  /** @param {StaffConversation} conversation */
  #drawAssignee({ assignee, status, snoozed_until }) {
    const { operators, me } = this.#desk;
    const shown = JSON.stringify(operators);
    if (this.#operatorsShown !== shown) {
      this.#operatorsShown = shown;
      this.#assign.replaceChildren(
        h('option', { value: '' }, 'Nobody'),
        ...operators.map((operator) => option(operator, me)),
      );
    }
    this.#assign.value = assignee ?? '';
    if (assignee === me.id && document.activeElement === this.#toMe) this.#assign.focus();
    this.#toMe.hidden = assignee === me.id;
    const until = status === 'snoozed' && snoozed_until ? `Snoozed until ${fullTime(new Date(snoozed_until))}` : '';
    setText(this.#snoozed, until);
    set(this.#snoozed, 'hidden', !until);
  }
}

/**
 * @param {string} title
 * @param {...Node} children
 */
function section(title, ...children) {
  return h('section', {}, h('h2', {}, title), ...children);
}

/** @param {[string, HTMLElement][]} pairs */
function facts(pairs) {
  return h('dl', {}, ...pairs.map(([term, value]) => h('div', {}, h('dt', {}, term), value)));
}

/**
 * @param {Operator} operator
 * @param {Operator} me
 */
function option({ id, name, online }, me) {
  const mark = id === me.id ? ' (you)' : online ? ' (online)' : '';
  return h('option', { value: id }, name + mark);
}

/** A page's address comes from the visitor's browser, and must not become a script here. @param {string} url */
function isWeb(url) {
  return /^https?:\/\//i.test(url);
}

/** @param {string} url */
function withoutScheme(url) {
  return url.replace(/^https?:\/\//i, '');
}
