const TIMEOUT_MS = 20_000;

/**
 * Why a request failed: the server's problem details, or `code` `network` with status 0 where no answer came.
 */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {{code?: string, title?: string, detail?: string}} problem
   * @param {number} [retryAfterMs]
   */
  constructor(status, problem, retryAfterMs) {
    super(problem.title ?? `The server answered ${status}.`);
    this.status = status;
    this.code = problem.code ?? 'unknown';
    this.detail = problem.detail;
    this.retryAfterMs = retryAfterMs;
  }

  /** Whether the same request may well succeed later. */
  get passing() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/**
 * @typedef {object} Credentials what a request carries to say who asks
 * @property {string} [token] a visitor's or a session's token
 * @property {string} [csrf] the value of `x-csrf-token`, where the session's cookie is the credential
 *
 * @typedef {object} Question
 * @property {Record<string, string | number | null | undefined>} [query] null and undefined are left out
 * @property {unknown} [body] sent as JSON
 * @property {string} [ifMatch]
 */

/** JSON over HTTP: one question, one answer, and every failure an {@link ApiError}. */
export class Http {
  #endpoint;
  #site;
  #fetch;

  /** @type {Credentials} */
  credentials = {};

  /**
   * @param {object} options
   * @param {string | URL} options.endpoint where the service is mounted, as an absolute URL
   * @param {string} [options.site] the site key, which a page on another origin has to name in every request
   * @param {typeof fetch} [options.fetch]
   */
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
    /** @type {Record<string, string>} */
    const headers = {};
    if (token) headers.authorization = `Bearer ${token}`;
    else if (csrf && method !== 'GET') headers['x-csrf-token'] = csrf;
    if (ifMatch) headers['if-match'] = ifMatch;
    if (body !== undefined) headers['content-type'] = 'application/json';
    let answer;
    try {
      answer = await this.#fetch(this.#url(path, query), {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        credentials: this.#site ? 'omit' : 'same-origin',
        cache: 'no-store',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch {
      throw new ApiError(0, { code: 'network', title: 'The server cannot be reached.' });
    }
    const content = await answer.json().catch(() => null);
    if (answer.ok) return { body: content, etag: answer.headers.get('etag') };
    const seconds = Number(answer.headers.get('retry-after'));
    throw new ApiError(answer.status, content ?? {}, seconds > 0 ? seconds * 1000 : undefined);
  }

  /**
   * @param {string} path
   * @param {Record<string, string | number | null | undefined>} query
   */
  #url(path, query) {
    const parameters = new URLSearchParams();
    for (const [key, value] of Object.entries({ site: this.#site, ...query })) {
      if (value !== null && value !== undefined) parameters.set(key, String(value));
    }
    return `${this.#endpoint}${path}${parameters.size ? `?${parameters}` : ''}`;
  }
}
