/**
 * @import {List, Operator, StaffConversation, Status} from './wire.js'
 * @import {Change, Session} from './types.js'
 */
import { Http } from './http.js';

/** What an operator asks for over HTTP. */
export class OperatorApi extends Http {
  /**
   * @param {{tenant: string, email: string, password: string, as?: 'bearer' | 'cookie'}} body
   * @returns {Promise<Session>}
   */
  async signIn(body) {
    return this.#remember((await this.request('POST', '/v1/sessions', { body })).body);
  }

  /**
   * The session that a cookie of this browser stands for.
   *
   * @returns {Promise<Session>}
   */
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
   * @param {{status?: Status, assignee?: string, tag?: string, limit?: number, cursor?: string | null}} query
   * @returns {Promise<List<StaffConversation>>}
   */
  async conversations(query) {
    return (await this.request('GET', '/v1/conversations', { query })).body;
  }

  /**
   * @param {string} id
   * @returns {Promise<{conversation: StaffConversation, etag: string}>}
   */
  async conversation(id) {
    const { body, etag } = await this.request('GET', pathOf(id));
    return { conversation: body.conversation, etag: etag ?? '' };
  }

  /**
   * @param {string} id
   * @param {Change} change
   * @param {string} etag of the state that the change was decided on
   * @returns {Promise<{conversation: StaffConversation, etag: string}>}
   */
  async change(id, change, etag) {
    const answer = await this.request('PATCH', pathOf(id), { body: change, ifMatch: etag });
    return { conversation: answer.body.conversation, etag: answer.etag ?? '' };
  }

  /** @param {Session} session */
  #remember(session) {
    this.credentials = { token: session.token, csrf: session.csrf_token };
    return session;
  }
}

/** @param {string} id */
function pathOf(id) {
  return `/v1/conversations/${encodeURIComponent(id)}`;
}
