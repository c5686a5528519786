import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { fakeNetwork, message, settled } from './fakes.js';
import { Visit } from '../widget/visit.js';

const SITE = { name: 'Shop', title: 'Ask us', greeting: 'Hello', color: '#0f6e5c', online: true };
const KEY = 'convor cvk_a_b';

/** A server for one browser: which visitors it knows, what it was asked, what it refuses. */
class FakeServer {
  asked = [];
  /** @type {Map<string, any[]>} */
  conversations = new Map();
  refuse = null;
  #made = 0;

  fetch = async (url, { method, body, headers }) => {
    const path = new URL(url).pathname.replace('/chat', '');
    const token = Object.fromEntries(headers).authorization?.slice(7);
    this.asked.push(`${method} ${path}`);
    const refusal = this.refuse?.(`${method} ${path}`, token);
    if (refusal) return Response.json({ code: 'refused', title: 'Refused.' }, { status: refusal });
    const answer = this.#answer(`${method} ${path}`, token, body && JSON.parse(body));
    return answer ? Response.json(answer) : Response.json({ code: 'unauthenticated' }, { status: 401 });
  };

  #answer(asked, token, body) {
    if (asked === 'GET /v1/site') return SITE;
    if (asked === 'POST /v1/visitors') return this.#register();
    const own = this.conversations.get(token);
    if (!own) return null;
    if (asked === 'GET /v1/visitor') return { visitor: { id: token } };
    if (asked === 'GET /v1/conversations')
      return { data: own.map(({ log, ...conversation }) => conversation), next_cursor: null };
    if (asked === 'POST /v1/conversations') return { conversation: this.open(token, body) };
    const { log } = own.find(({ id }) => asked.includes(id));
    return { data: log, seq: log.length, epoch: 1, floor: 0 };
  }

  #register() {
    const token = `cvv_${++this.#made}`;
    this.conversations.set(token, []);
    return { visitor: { id: token }, token };
  }

  open(token, { client_id, first_message }) {
    const own = this.conversations.get(token);
    const known = own.find(({ id }) => id === client_id);
    if (known) return known;
    const log = first_message ? [message(1, { author: { kind: 'visitor', name: null }, ...first_message })] : [];
    const conversation = { id: client_id, status: 'open', read_seq: 0, other_read_seq: 0, log };
    own.unshift(conversation);
    return conversation;
  }

  stored(token) {
    return (this.conversations.get(token) ?? []).flatMap(({ log }) => log.map(({ message }) => message.text));
  }
}

let server;
let network;
let kept;

afterEach(() => mock.timers.reset());

beforeEach(() => {
  mock.timers.enable({ apis: ['setTimeout'] });
  server = new FakeServer();
  network = fakeNetwork();
  kept = new Map();
  const localStorage = {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => kept.set(key, value),
    removeItem: (key) => kept.delete(key),
  };
  const page = { location: { href: 'https://shop.example/boots?size=41' }, document: { title: 'Boots' } };
  for (const [name, value] of Object.entries({
    ...page,
    localStorage,
    fetch: server.fetch,
    WebSocket: network.WebSocket,
  })) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
});

async function opened() {
  const visit = new Visit('https://chat.example/chat', 'cvk_a_b', () => {});
  await visit.begin();
  return visit;
}

/** Lets several rounds of asking and answering happen. */
async function quiet() {
  for (let n = 0; n < 20; n++) await settled();
}

const said = (visit) =>
  visit
    .rows()
    .filter(({ type }) => type === 'message')
    .map(({ text, delivery }) => `${text} ${delivery}`.trim());

test('opening the chat asks for the site alone, and keeps nothing', async () => {
  const visit = await opened();
  assert.deepEqual(server.asked, ['GET /v1/site']);
  assert.equal(kept.size, 0);
  assert.equal(network.sockets.length, 0);
  assert.equal(visit.online, true);
});

test('the first message makes the visitor and the conversation, and is there at once', async () => {
  const visit = await opened();
  visit.send('hello');
  assert.deepEqual(said(visit), ['hello sending']);
  const { key } = visit.rows().at(-1);
  await quiet();
  assert.equal(kept.get(KEY), 'cvv_1');
  assert.deepEqual(server.stored('cvv_1'), ['hello']);
  assert.deepEqual(said(visit), ['hello sent']);
  assert.equal(visit.rows().at(-1).key, key);
  network.latest.welcome();
  assert.deepEqual(network.latest.sent[0].resume, [{ conversation: visit.conversation.id, epoch: 1, after: 1 }]);
});

test('what is written while the conversation is being made follows in its order', async () => {
  const visit = await opened();
  for (const text of ['a', 'b', 'c']) visit.send(text);
  await quiet();
  network.latest.welcome();
  assert.equal(server.asked.filter((asked) => asked === 'POST /v1/conversations').length, 1);
  assert.deepEqual(said(visit), ['a sent', 'b sending', 'c sending']);
  assert.deepEqual(
    network.latest.ofType('send').map(({ text }) => text),
    ['b'],
  );
});

test('the team learns of the page once there is a connection', async () => {
  const visit = await opened();
  visit.pageSeen();
  visit.send('hello');
  await quiet();
  network.latest.welcome();
  assert.deepEqual(network.latest.ofType('page'), [
    { type: 'page', url: 'https://shop.example/boots', title: 'Boots' },
  ]);
});

test('who comes back goes on with the latest conversation that is not closed', async () => {
  server.conversations.set('cvv_old', []);
  server.open('cvv_old', { client_id: 'one', first_message: { client_id: 'x', text: 'before' } });
  server.open('cvv_old', { client_id: 'two' }).status = 'closed';
  kept.set(KEY, 'cvv_old');
  const visit = await opened();
  assert.equal(visit.conversation.id, 'one');
  assert.deepEqual(said(visit), ['before sent']);
  assert.equal(network.sockets.length, 1);
});

test('a kept token that is no longer good is dropped', async () => {
  kept.set(KEY, 'cvv_stale');
  const visit = await opened();
  assert.equal(kept.size, 0);
  assert.equal(visit.failure, '');
  visit.send('hello');
  await quiet();
  assert.deepEqual(server.stored('cvv_1'), ['hello']);
});

test('a token that is revoked while connected gives way to a new one, and what was unsent goes out under it', async () => {
  const visit = await opened();
  visit.send('first');
  await quiet();
  network.latest.welcome();
  visit.send('second');
  server.conversations.delete('cvv_1');
  network.latest.end(4100);
  assert.equal(kept.size, 0);
  await quiet();
  assert.equal(kept.get(KEY), 'cvv_2');
  assert.deepEqual(server.stored('cvv_2'), ['second']);
  assert.deepEqual(said(visit), ['second sent']);
});

test('after an erasure nothing is left and nothing is sent again', async () => {
  const visit = await opened();
  visit.send('first');
  await quiet();
  network.latest.welcome();
  visit.send('second');
  network.latest.end(4103);
  await quiet();
  assert.equal(kept.size, 0);
  assert.deepEqual(said(visit), []);
  assert.equal(server.conversations.size, 1);
});

test('a refused first message can be tried again, and makes one conversation', async () => {
  const visit = await opened();
  server.refuse = (asked) => (asked === 'POST /v1/conversations' ? 403 : 0);
  visit.send('hello');
  await quiet();
  assert.deepEqual(said(visit), ['hello failed']);
  server.refuse = null;
  visit.retry(visit.rows().at(-1).pending);
  await quiet();
  assert.deepEqual(server.stored('cvv_1'), ['hello']);
  assert.deepEqual(said(visit), ['hello sent']);
});

test('a visitor that another tab has made is taken over', async () => {
  const visit = await opened();
  server.conversations.set('cvv_tab', []);
  server.open('cvv_tab', { client_id: 'one' });
  kept.set(KEY, 'cvv_tab');
  visit.send('hello');
  await quiet();
  assert.equal(visit.conversation.id, 'one');
  assert.equal(server.asked.includes('POST /v1/visitors'), false);
  network.latest.welcome();
  assert.deepEqual(
    network.latest.ofType('send').map(({ text }) => text),
    ['hello'],
  );
});

test('a site that does not exist has no chat', async () => {
  server.refuse = () => 404;
  assert.equal((await opened()).failure, 'The chat is not available right now.');
});

test('too many windows are said, and can be tried again', async () => {
  const visit = await opened();
  visit.send('hello');
  await quiet();
  network.latest.welcome();
  network.latest.end(4104);
  assert.equal(visit.failure, 'This chat is open in too many windows.');
  visit.wake();
  network.latest.welcome();
  assert.equal(visit.failure, '');
});

test('what the team wrote counts as unread until it is seen', async () => {
  const visit = await opened();
  visit.send('hello');
  await quiet();
  network.latest.welcome();
  const conversation = visit.conversation.id;
  network.latest.receive({ type: 'event', ...message(2), conversation });
  assert.equal(visit.unread, 1);
  visit.seen();
  assert.equal(visit.unread, 0);
  assert.deepEqual(network.latest.ofType('read'), [{ type: 'read', conversation, seq: 2 }]);
  visit.seen();
  assert.equal(network.latest.ofType('read').length, 1);
});

test('a tab whose token is refused goes on with the newer one of another tab', async () => {
  const visit = await opened();
  visit.send('first');
  await quiet();
  network.latest.welcome();
  server.conversations.delete('cvv_1');
  server.conversations.set('cvv_tab', []);
  server.open('cvv_tab', { client_id: 'one', first_message: { client_id: 'x', text: 'from the other tab' } });
  kept.set(KEY, 'cvv_tab');
  network.latest.end(4100);
  await quiet();
  assert.equal(kept.get(KEY), 'cvv_tab');
  assert.deepEqual(said(visit), ['from the other tab sent']);
});

test('after a return that failed, the next message does not open a second conversation', async () => {
  server.conversations.set('cvv_old', []);
  server.open('cvv_old', { client_id: 'one', first_message: { client_id: 'x', text: 'before' } });
  kept.set(KEY, 'cvv_old');
  for (const refused of ['GET /v1/conversations', 'GET /v1/conversations/one/events']) {
    server.refuse = (asked) => (asked === refused ? 403 : 0);
    const visit = await opened();
    assert.notEqual(visit.failure, '');
    server.refuse = null;
    visit.send('hello');
    await quiet();
    assert.equal(visit.conversation.id, 'one');
    assert.equal(server.conversations.get('cvv_old').length, 1);
  }
});

test('a page is said once, and again on a new connection', async () => {
  const visit = await opened();
  visit.send('hello');
  await quiet();
  network.latest.welcome();
  visit.pageSeen();
  assert.equal(network.latest.ofType('page').length, 1);
  document.title = 'Bags';
  visit.pageSeen();
  assert.equal(network.latest.ofType('page').length, 2);
  network.latest.end();
  visit.wake();
  network.latest.welcome();
  assert.equal(network.latest.ofType('page').length, 1);
});

test('whoever has left makes no connection any more', async () => {
  const visit = await opened();
  visit.send('hello');
  visit.stop();
  await quiet();
  assert.equal(network.sockets.length, 0);
});
