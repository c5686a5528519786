/** @import {Visitor} from '../client/wire.js' */
import { h, setText } from './dom.js';

/** An offer, never a hurdle: a visitor may leave a name and an e-mail address, and take them back. */
export class Introduce {
  #introduce;

  /** @param {(who: {name: string | null, email: string | null}) => Promise<void>} introduce */
  constructor(introduce) {
    this.#introduce = introduce;
    this.name = h('input', { name: 'name', autocomplete: 'name', maxlength: 100, 'data-testid': 'visitor-name' });
    this.email = h('input', {
      name: 'email', type: 'email', autocomplete: 'email', maxlength: 254, 'data-testid': 'visitor-email',
    });
    this.said = h('p', { role: 'status' });
    this.form = h(
      'form',
      { hidden: true, onsubmit: (event) => this.#submit(event) },
      h('label', {}, 'Name', this.name),
      h('label', {}, 'E-mail', this.email),
      h('button', { class: 'save', 'data-testid': 'visitor-save' }, 'Save'),
      this.said,
    );
    this.offer = h('button', {
      type: 'button', 'aria-expanded': 'false', 'data-testid': 'introduce', onclick: () => this.#toggle(this.form.hidden),
    });
    this.element = h('div', { class: 'introduce', hidden: true }, this.offer, this.form);
  }

  /** @param {Visitor | null} visitor */
  show(visitor) {
    this.element.hidden = !visitor;
    if (!visitor) return;
    const known = visitor.name ?? visitor.email;
    setText(this.offer, known ? `You are ${known}. Change` : 'Tell us who you are (optional)');
    if (!this.form.hidden) return;
    this.name.value = visitor.name ?? '';
    this.email.value = visitor.email ?? '';
  }

  /** @param {boolean} open */
  #toggle(open) {
    this.form.hidden = !open;
    this.offer.ariaExpanded = `${open}`;
    setText(this.said, '');
    (open ? this.name : this.offer).focus();
  }

  /** @param {Event} event */
  async #submit(event) {
    event.preventDefault();
    try {
      await this.#introduce({ name: this.name.value.trim() || null, email: this.email.value.trim() || null });
      this.#toggle(false);
    } catch (error) {
      setText(this.said, error instanceof Error ? error.message : '');
    }
  }
}
