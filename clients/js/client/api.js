/**
 * @import {Conversation, List, LogPage, Operator, Posted, Site, StaffConversation, Status, Visitor} from './wire.js'
 */
import { Http } from './http.js';

/**
 * @typedef {{client_id: string, subject?: string, first_message?: {client_id: string, text: string}}} Opening
 * @typedef {{conversation: Conversation, message?: Posted}} Opened
 *
 * @typedef {object} Change of a conversation; an absent key leaves what is
 * @property {Status} [status]
 * @property {string} [snoozed_until]
 * @property {string | null} [assignee]
 * @property {string[]} [tags]
 *
 * @typedef {object} Session of an operator; one of `token` and `csrf_token` is there
 * @property {Operator} operator
 * @property {string} expires_at
 * @property {string} [token]
 * @property {string} [csrf_token]
 */

/** The routes that a visitor and an operator share. */
class Api extends Http {
  /**
   * @param {string} conversation
   * @param {{after?: number, before?: number, limit?: number}} [range] without it, the newest page
   * @returns {Promise<LogPage>}
   */
  async events(conversation, range = {}) {
    return (await this.request('GET', `/v1/conversations/${conversation}/events`, { query: range })).body;
  }
}

/** What a visitor asks for over HTTP. */
export class VisitorApi extends Api {
  #site;

  /** @param {{endpoint: string | URL, site: string, fetch?: typeof fetch}} options */
  constructor(options) {
    super(options);
    this.#site = options.site;
  }

  /** @returns {Promise<Site>} */
  async site() {
    return (await this.request('GET', '/v1/site')).body;
  }

  /** @returns {Promise<{visitor: Visitor, token: string}>} */
  async register() {
    return (await this.request('POST', '/v1/visitors', { body: { site: this.#site } })).body;
  }

  /** @returns {Promise<Visitor>} */
  async visitor() {
    return (await this.request('GET', '/v1/visitor')).body.visitor;
  }

  /**
   * @param {{name?: string | null, email?: string | null}} change
   * @returns {Promise<Visitor>}
   */
  async introduce(change) {
    return (await this.request('PATCH', '/v1/visitor', { body: change })).body.visitor;
  }

  /**
   * @param {Opening} opening
   * @returns {Promise<Opened>}
   */
  async open(opening) {
    return (await this.request('POST', '/v1/conversations', { body: opening })).body;
  }

  /**
   * @param {{limit?: number, cursor?: string}} [range]
   * @returns {Promise<List<Conversation>>}
   */
  async conversations(range = {}) {
    return (await this.request('GET', '/v1/conversations', { query: range })).body;
  }
}

/** What an operator asks for over HTTP. */
export class OperatorApi extends Api {
  /**
   * @param {{tenant: string, email: string, password: string, as?: 'bearer' | 'cookie'}} who
   * @returns {Promise<Session>}
   */
  async signIn(who) {
    return this.#remember((await this.request('POST', '/v1/sessions', { body: who })).body);
  }

  /** @returns {Promise<Session>} */
  async session() {
    return this.#remember((await this.request('GET', '/v1/sessions/current')).body);
  }

  async signOut() {
    await this.request('DELETE', '/v1/sessions/current');
    this.credentials = {};
  }

  /** @returns {Promise<List<Operator>>} */
  async operators() {
    return (await this.request('GET', '/v1/operators', { query: { limit: 200 } })).body;
  }

  /**
   * @param {{status?: Status, assignee?: string, tag?: string, limit?: number, cursor?: string | null}} filter
   * @returns {Promise<List<StaffConversation>>}
   */
  async conversations(filter) {
    return (await this.request('GET', '/v1/conversations', { query: filter })).body;
  }

  /**
   * @param {string} id
   * @returns {Promise<{conversation: StaffConversation, etag: string}>}
   */
  async conversation(id) {
    const { body, etag } = await this.request('GET', `/v1/conversations/${id}`);
    return { conversation: body.conversation, etag: etag ?? '' };
  }

  /**
   * @param {string} id
   * @param {Change} change
   * @param {string} etag of the state that the change was decided on
   * @returns {Promise<{conversation: StaffConversation, etag: string}>}
   */
  async change(id, change, etag) {
    const answer = await this.request('PATCH', `/v1/conversations/${id}`, { body: change, ifMatch: etag });
    return { conversation: answer.body.conversation, etag: answer.etag ?? '' };
  }

  /** @param {Session} session */
  #remember(session) {
    this.credentials = { token: session.token, csrf: session.csrf_token };
    return session;
  }
}
