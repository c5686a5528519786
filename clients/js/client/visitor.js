/** @import {Conversation, List, Opened, Site, Visitor} from './wire.js' */
import { Http } from './http.js';

export class VisitorApi extends Http {
  #key;

  /** @param {{endpoint: string | URL, site: string, fetch?: typeof fetch}} options */
  constructor(options) {
    super(options);
    this.#key = options.site;
  }

  /** @returns {Promise<Site>} */
  async site() {
    return (await this.request('GET', '/v1/site')).body;
  }

  /** @returns {Promise<{visitor: Visitor, token: string}>} */
  async register() {
    return (await this.request('POST', '/v1/visitors', { body: { site: this.#key } })).body;
  }

  /** @returns {Promise<Visitor>} */
  async visitor() {
    return (await this.request('GET', '/v1/visitor')).body.visitor;
  }

  /**
   * @param {{name?: string | null, email?: string | null}} body
   * @returns {Promise<Visitor>}
   */
  async introduce(body) {
    return (await this.request('PATCH', '/v1/visitor', { body })).body.visitor;
  }

  /**
   * @param {{client_id: string, subject?: string, first_message?: {client_id: string, text: string}}} body
   * @returns {Promise<Opened>}
   */
  async open(body) {
    return (await this.request('POST', '/v1/conversations', { body })).body;
  }

  /**
   * @param {{limit?: number, cursor?: string}} [query]
   * @returns {Promise<List<Conversation>>}
   */
  async conversations(query) {
    return (await this.request('GET', '/v1/conversations', { query })).body;
  }
}

/** A visitor's token, in memory alone where the browser denies storage. */
export class KeptToken {
  #key;
  #memory = '';

  /** @param {string} site the site key */
  constructor(site) {
    this.#key = `convor ${site}`;
  }

  get value() {
    return this.#memory || granted(() => localStorage.getItem(this.#key)) || '';
  }

  set value(token) {
    this.#memory = token;
    granted(() => localStorage.setItem(this.#key, token));
  }

  /** Another tab may have kept a newer one, which stays. */
  forget(refused = '') {
    this.#memory = '';
    if (this.value === refused) granted(() => localStorage.removeItem(this.#key));
  }
}

/**
 * @template T
 * @param {() => T} access
 */
export function granted(access) {
  try {
    return access();
  } catch {
    return null;
  }
}
