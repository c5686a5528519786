/** @import {Credentials, HttpOptions, Question} from './types.js' */

const TIMEOUT_MS = 20_000;

/** A server's problem details, or the code `network` and status 0 where no answer came. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {{code?: string, title?: string} | null} [problem]
   * @param {number} [retryAfterMs]
   */
  constructor(status, problem, retryAfterMs) {
    super(problem?.title ?? 'The server cannot be reached.');
    this.status = status;
    this.code = problem?.code ?? 'network';
    this.retryAfterMs = retryAfterMs;
  }

  /** Whether the same request may well succeed later. */
  get passing() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/** @link ApiError}. */
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
    const { token, csrf } = this.credentials;
    const headers = {
      authorization: token && `Bearer ${token}`,
      'x-csrf-token': !token && method !== 'GET' && csrf,
      'if-match': ifMatch,
      'content-type': body && 'application/json',
    };
    const answer = await this.#fetch(this.#url(path, query), {
      method,
      headers: /** @type {[string, string][]} */ (Object.entries(headers).filter(([, value]) => value)),
      body: body ? JSON.stringify(body) : undefined,
      credentials: this.#site ? 'omit' : 'same-origin',
      cache: 'no-store',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).catch(() => {
      throw new ApiError(0);
    });
    const content = await answer.json().catch(() => null);
    if (answer.ok && (content || answer.status === 204)) return { body: content, etag: answer.headers.get('etag') };
    const seconds = Number(answer.headers.get('retry-after'));
    // An answer that breaks off is as good as none.
    throw new ApiError(answer.ok ? 0 : answer.status, content, seconds ? seconds * 1000 : undefined);
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
