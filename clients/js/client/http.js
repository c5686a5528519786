/** @import {Credentials, HttpOptions, Question} from './types.js' */

const TIMEOUT_MS = 20_000;

/** Why a request failed: the server's problem details, or the code `network` with status 0 where no answer came. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {{code?: string, title?: string} | null} problem
   * @param {number} [retryAfterMs]
   */
  constructor(status, problem, retryAfterMs) {
    super(problem?.title ?? `The server answered ${status}.`);
    this.status = status;
    this.code = problem?.code ?? 'unknown';
    this.retryAfterMs = retryAfterMs;
  }

  /** Whether the same request may well succeed later. */
  get passing() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/** JSON over HTTP: one question, one answer, and every failure an {@link ApiError}. */
export class Http {
  #endpoint;
  #site;
  #fetch;

  /** @type {Credentials} */
  credentials = {};

  /** @param {HttpOptions} options */
  constructor({ endpoint, site, fetch = globalThis.fetch.bind(globalThis) }) {
    this.#endpoint = String(endpoint).replace(/\/$/, '');
    this.#site = site;
    this.#fetch = fetch;
  }

  /** The address for a WebSocket. It never carries a credential. */
  get socketUrl() {
    return this.#url('/v1/socket', {}).replace(/^http/, 'ws');
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {Question} [question]
   * @returns {Promise<{body: any, etag: string | null}>}
   */
  async request(method, path, { query = {}, body, ifMatch } = {}) {
    const answer = await this.#fetch(this.#url(path, query), {
      method,
      headers: this.#headers(method, body, ifMatch),
      body: body ? JSON.stringify(body) : undefined,
      credentials: this.#site ? 'omit' : 'same-origin',
      cache: 'no-store',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).catch(() => {
      throw new ApiError(0, { code: 'network', title: 'The server cannot be reached.' });
    });
    const content = await answer.json().catch(() => null);
    if (answer.ok) return { body: content, etag: answer.headers.get('etag') };
    const seconds = Number(answer.headers.get('retry-after'));
    throw new ApiError(answer.status, content, seconds > 0 ? seconds * 1000 : undefined);
  }

  /**
   * @param {string} method
   * @param {unknown} body
   * @param {string | undefined} ifMatch
   */
  #headers(method, body, ifMatch) {
    const { token, csrf } = this.credentials;
    /** @type {Record<string, string>} */
    const headers = {};
    if (token) headers.authorization = `Bearer ${token}`;
    else if (csrf && method !== 'GET') headers['x-csrf-token'] = csrf;
    if (ifMatch) headers['if-match'] = ifMatch;
    if (body) headers['content-type'] = 'application/json';
    return headers;
  }

  /**
   * @param {string} path
   * @param {NonNullable<Question['query']>} query
   */
  #url(path, query) {
    const parameters = new URLSearchParams();
    for (const [key, value] of Object.entries({ site: this.#site, ...query })) {
      if (value !== null && value !== undefined) parameters.set(key, `${value}`);
    }
    return `${this.#endpoint}${path}${parameters.size ? `?${parameters}` : ''}`;
  }
}
