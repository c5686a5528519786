/**
 * @import {StaffConversation} from '/convor/client/wire.js'
 * @import {Desk} from './desk.js'
 * @import {Filter} from './inbox.js'
 */
import { KeyedList, h, set, setText } from '/convor/widget/view.js';
import { avatar, showAvatar } from './avatar.js';
import { counted, shortTime, visitorName } from './names.js';

/** @type {[Filter, string][]} */
const FILTERS = [
  ['open', 'Open'],
  ['mine', 'Mine'],
  ['unassigned', 'Unassigned'],
  ['snoozed', 'Snoozed'],
  ['closed', 'Closed'],
];

/** The list of conversations. One Tab reaches it, the arrow keys move in it, Enter opens. */
export class InboxView {
  #desk;
  #list;
  /** The item that a Tab leads to. @type {string | null} */
  #reachable = null;

  #filters = FILTERS.map(([filter, label]) =>
    h(
      'button',
      { type: 'button', class: 'filter', 'data-testid': `filter-${filter}`, onclick: () => this.#desk.list(filter) },
      label,
    ),
  );
  #items = h('ul', {
    class: 'items',
    onkeydown: (event) => this.#pressed(event),
    onfocusin: (event) => this.#focused(event),
  });
  #empty = h('p', { class: 'empty' });
  #more = h(
    'button',
    { type: 'button', class: 'more', 'data-testid': 'load-more', onclick: () => this.#desk.listMore() },
    'Show more',
  );

  /** @param {Desk} desk */
  constructor(desk) {
    this.#desk = desk;
    this.#list = new KeyedList(this.#items, {
      key: (/** @type {StaffConversation} */ conversation) => conversation.id,
      make: makeItem,
      update: (node, conversation) => this.#updateItem(node, conversation),
    });
    this.element = h(
      'nav',
      { class: 'inbox', 'aria-label': 'Inbox' },
      h('div', { class: 'filters', role: 'group', 'aria-label': 'Show' }, ...this.#filters),
      h('div', { class: 'scroll' }, this.#items, this.#empty, this.#more),
    );
  }

  draw() {
    const { inbox } = this.#desk;
    for (const [index, [filter]] of FILTERS.entries())
      set(this.#filters[index], 'aria-pressed', `${filter === inbox.filter}`);
    const { list } = inbox;
    if (!list.some(({ id }) => id === this.#reachable)) this.#reachable = this.#desk.selected;
    if (!list.some(({ id }) => id === this.#reachable)) this.#reachable = list[0]?.id ?? null;
    this.#list.show(list);
    setText(
      this.#empty,
      list.length ? '' : inbox.loaded ? 'Nothing here. New conversations appear by themselves.' : 'Loading…',
    );
    if (!inbox.hasMore && document.activeElement === this.#more) this.focus();
    this.#more.hidden = !inbox.hasMore;
  }

  /** Moves the focus into the list. */
  focus() {
    this.#links.find((link) => link.tabIndex === 0)?.focus();
  }

  /**
   * Opens the conversation after or before the open one.
   *
   * @param {1 | -1} step
   */
  open(step) {
    const { list } = this.#desk.inbox;
    const at = list.findIndex(({ id }) => id === this.#desk.selected);
    const next = at < 0 ? list[0] : list[at + step];
    if (next) location.hash = next.id;
  }

  get #links() {
    return [.../** @type {NodeListOf<HTMLAnchorElement>} */ (this.#items.querySelectorAll('a'))];
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    const links = this.#links;
    const at = links.indexOf(/** @type {HTMLAnchorElement} */ (document.activeElement));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: links.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    links[to]?.focus();
  }

  /** @param {FocusEvent} event */
  #focused(event) {
    const link = /** @type {HTMLElement} */ (event.target);
    this.#reachable = link.closest('li')?.dataset.id ?? this.#reachable;
    for (const other of this.#links) other.tabIndex = other === link ? 0 : -1;
  }

  /**
   * @param {HTMLElement} node
   * @param {StaffConversation} conversation
   */
  #updateItem(node, conversation) {
    const { id, visitor, unread, tags, updated_at, status, snoozed_until } = conversation;
    const { link, face, name, time, preview, count, labels } = partsOf(node);
    const at = new Date(status === 'snoozed' && snoozed_until ? snoozed_until : updated_at);
    set(link, 'aria-current', id === this.#desk.selected ? 'true' : null);
    link.tabIndex = id === this.#reachable ? 0 : -1;
    set(link, 'class', unread ? 'item unread' : 'item');
    showAvatar(face, visitor);
    setText(name, visitorName(visitor));
    setText(time, status === 'snoozed' ? `until ${shortTime(at)}` : shortTime(at));
    set(time, 'datetime', at.toISOString());
    this.#drawPreview(preview, conversation);
    setText(count, unread ? `${unread}` : '');
    set(count, 'aria-label', unread ? counted(unread, 'unread message', 'unread messages') : null);
    if (labels.textContent !== tags.join(''))
      labels.replaceChildren(...tags.map((tag) => h('span', { class: 'tag' }, tag)));
  }

  /**
   * @param {Element} preview
   * @param {StaffConversation} conversation
   */
  #drawPreview(preview, { id, last_message }) {
    const isTyping = this.#desk.typing(id).names.length > 0;
    set(preview, 'class', isTyping ? 'preview typing-now' : 'preview');
    const message = last_message?.message;
    const text = message?.text ?? (message ? 'Removed' : 'No message yet');
    setText(
      preview,
      isTyping ? 'Typing…' : message?.author.kind === 'operator' ? `${this.#who(message.author)}: ${text}` : text,
    );
  }

  /** @param {{id?: string, name: string | null}} author */
  #who(author) {
    return author.id === this.#desk.me.id ? 'You' : (author.name?.split(' ')[0] ?? 'Team');
  }
}

/** @param {StaffConversation} conversation */
function makeItem({ id }) {
  return h(
    'li',
    { 'data-id': id },
    h(
      'a',
      { href: `#${id}`, 'data-testid': 'inbox-item' },
      avatar(),
      h('span', { class: 'name' }),
      h('time'),
      h('span', { class: 'preview' }),
      h('span', { class: 'count', role: 'img', 'data-testid': 'unread' }),
      h('span', { class: 'tags' }),
    ),
  );
}

/** @param {HTMLElement} node */
function partsOf(node) {
  const link = /** @type {HTMLAnchorElement} */ (node.firstElementChild);
  const [face, name, time, preview, count, labels] = /** @type {Iterable<HTMLElement>} */ (link.children);
  return { link, face, name, time, preview, count, labels };
}
