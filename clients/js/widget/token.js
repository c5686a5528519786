/**
 * The visitor's token as this browser keeps it. It is written only when the visitor sends something, and it may have to
 * live in memory alone, since a browser can deny storage.
 */
export class Token {
  #key;
  #memory = '';

  /** @param {string} site the site key */
  constructor(site) {
    this.#key = `convor ${site}`;
  }

  get value() {
    try {
      return localStorage.getItem(this.#key) ?? this.#memory;
    } catch {
      return this.#memory;
    }
  }

  set value(token) {
    this.#memory = token;
    try {
      localStorage.setItem(this.#key, token);
    } catch {
      // Without storage the conversation lasts as long as the page.
    }
  }

  forget() {
    this.#memory = '';
    try {
      localStorage.removeItem(this.#key);
    } catch {
      // There was nothing to keep it in.
    }
  }
}
