import { h, icon, setText } from '/convor/widget/view.js';
import { CROSS } from './icons.js';

const TAG_CHARS_MAX = 50;
const TAGS_MAX = 20;

/** Shows the tags of a conversation, takes them away and adds new ones. */
export class Tags {
  #onChange;
  /** @type {string[]} */
  #tags = [];
  #shown = '';

  #chips = h('ul', { class: 'chips', 'data-testid': 'tags' });
  #known = h('datalist', { id: 'known-tags' });
  #input = h('input', {
    id: 'tag',
    maxlength: TAG_CHARS_MAX,
    list: 'known-tags',
    placeholder: 'Add a tag',
    autocomplete: 'off',
    'data-testid': 'tag-input',
  });

  /** @param {(tags: string[]) => void} onChange */
  constructor(onChange) {
    this.#onChange = onChange;
    this.element = h(
      'form',
      { class: 'tag-editor', onsubmit: (event) => this.#add(event) },
      h('label', { for: 'tag' }, 'Tags'),
      this.#chips,
      this.#input,
      this.#known,
    );
  }

  /**
   * @param {string[]} tags
   * @param {string[]} known
   */
  show(tags, known) {
    const shown = JSON.stringify([tags, known]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#tags = tags;
    this.#chips.replaceChildren(...tags.map((tag) => this.#chip(tag)));
    this.#known.replaceChildren(
      ...known.filter((tag) => !tags.includes(tag)).map((tag) => h('option', { value: tag })),
    );
    this.#input.hidden = tags.length >= TAGS_MAX;
  }

  /** @param {string} tag */
  #chip(tag) {
    const name = h('span');
    setText(name, tag);
    const remove = () => {
      this.#input.focus();
      this.#onChange(this.#tags.filter((other) => other !== tag));
    };
    return h(
      'li',
      { class: 'tag' },
      name,
      h('button', { type: 'button', 'aria-label': `Remove the tag ${tag}`, onclick: remove }, icon(CROSS, 14)),
    );
  }

  /** @param {Event} event */
  #add(event) {
    event.preventDefault();
    const tag = this.#input.value.trim();
    this.#input.value = '';
    if (tag && !this.#tags.includes(tag)) this.#onChange([...this.#tags, tag]);
  }
}
