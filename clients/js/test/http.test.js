import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError, Http } from '../client/http.js';
import { KeptToken, VisitorApi } from '../client/visitor.js';
import { OperatorApi } from '../client/operator.js';

/** Answers each request with the next of these, and remembers what was asked. */
function answering(...answers) {
  const asked = [];
  const fetch = async (url, options) => {
    asked.push({ url, ...options, headers: Object.fromEntries(options.headers) });
    const { status = 200, body = {}, headers = {} } = answers.shift() ?? {};
    return new Response(status === 204 ? null : JSON.stringify(body), { status, headers });
  };
  return { asked, fetch };
}

const endpoint = 'https://chat.example/chat/';

test('a visitor names its site in every request and sends no cookie', async () => {
  const { asked, fetch } = answering({ body: { visitor: {} } });
  const api = new VisitorApi({ endpoint, site: 'cvk_a_b', fetch });
  api.credentials = { token: 'cvv_t' };
  await api.visitor();
  const [{ url, headers, credentials }] = asked;
  assert.equal(url, 'https://chat.example/chat/v1/visitor?site=cvk_a_b');
  assert.deepEqual(headers, { authorization: 'Bearer cvv_t' });
  assert.equal(credentials, 'omit');
  assert.equal(api.socketUrl, 'wss://chat.example/chat/v1/socket?site=cvk_a_b');
});

test('a cookie goes with the csrf header on what changes, and a token never with it', async () => {
  const operator = { id: 'ada' };
  const { asked, fetch } = answering({ status: 201, body: { operator, csrf_token: 'c' } }, {}, { status: 204 });
  const api = new OperatorApi({ endpoint, fetch });
  await api.signIn({ tenant: 'cvt_a', email: 'a@example.org', password: 'p', as: 'cookie' });
  await api.conversations({ status: 'open', cursor: null });
  await api.signOut();
  assert.equal(asked[0].headers['x-csrf-token'], undefined);
  assert.equal(asked[1].url, 'https://chat.example/chat/v1/conversations?status=open');
  assert.equal(asked[1].headers['x-csrf-token'], undefined);
  assert.deepEqual(asked[2].headers, { 'x-csrf-token': 'c' });
  assert.deepEqual(api.credentials, {});
});

test('a change carries the state that it was decided on, and answers the new one', async () => {
  const { asked, fetch } = answering({ body: { conversation: { id: 'one' } }, headers: { etag: '"4"' } });
  const api = new OperatorApi({ endpoint, fetch });
  assert.deepEqual(await api.change('one', { status: 'closed' }, '"3"'), { conversation: { id: 'one' }, etag: '"4"' });
  assert.equal(asked[0].headers['if-match'], '"3"');
  assert.equal(asked[0].body, '{"status":"closed"}');
});

test('problem details become an error', async () => {
  const body = { type: 'about:blank', status: 429, code: 'rate_limited', title: 'Too fast.' };
  const { fetch } = answering({ status: 429, body, headers: { 'retry-after': '3' } });
  const error = await new Http({ endpoint, fetch }).request('GET', '/v1/site').catch((caught) => caught);
  assert.ok(error instanceof ApiError);
  assert.deepEqual(
    [error.status, error.code, error.message, error.retryAfterMs],
    [429, 'rate_limited', 'Too fast.', 3000],
  );
});

test('which errors pass', async () => {
  const passing = { 0: true, 400: false, 401: false, 404: false, 412: false, 429: true, 500: true, 503: true };
  for (const [status, passes] of Object.entries(passing)) assert.equal(new ApiError(Number(status)).passing, passes);
});

test('no answer, and an answer that breaks off, pass', async () => {
  const broken = [
    async () => Promise.reject(new TypeError('network')),
    async () => new Response('{"visi', { status: 200 }),
  ];
  for (const fetch of broken) {
    const error = await new Http({ endpoint, fetch }).request('GET', '/v1/visitor').catch((caught) => caught);
    assert.deepEqual([error.status, error.passing], [0, true]);
  }
});

test('a token is kept in storage, and in memory where there is none', () => {
  const kept = new Map();
  globalThis.localStorage = {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => kept.set(key, value),
    removeItem: (key) => kept.delete(key),
  };
  const token = new KeptToken('cvk_a_b');
  token.value = 'cvv_t';
  assert.equal(new KeptToken('cvk_a_b').value, 'cvv_t');
  assert.equal(new KeptToken('cvk_a_c').value, '');
  const other = new KeptToken('cvk_a_b');
  kept.set('convor cvk_a_b', 'cvv_newer');
  token.forget('cvv_t');
  assert.equal(token.value, 'cvv_newer');
  other.forget('cvv_newer');
  assert.equal(kept.size, 0);

  Object.defineProperty(globalThis, 'localStorage', {
    get: () => {
      throw new Error('denied');
    },
    configurable: true,
  });
  const denied = new KeptToken('cvk_a_b');
  assert.equal(denied.value, '');
  denied.value = 'cvv_t';
  assert.equal(denied.value, 'cvv_t');
  delete globalThis.localStorage;
});
