import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock, FakeLog, fakeNetwork, message, settled } from './fakes.js';
import { Chat } from '../client/chat.js';

function chatWith({ kind = 'visitor', on = {} } = {}) {
  const clock = new FakeClock();
  const network = fakeNetwork();
  const server = new FakeLog();
  const http = {
    socketUrl: 'ws://example.org/v1/socket',
    credentials: { token: 'cvv_t' },
    request: async (method, path, { query }) => ({ body: await server.page(query), etag: null }),
  };
  const changes = [];
  const chat = new Chat({ http, on: { log: (id) => changes.push(id), ...on }, clock, WebSocket: network.WebSocket });
  return { chat, clock, network, server, changes, welcome: () => network.latest.welcome(kind) };
}

/** A chat that follows a conversation of three events and is online. */
async function following(options) {
  const all = chatWith(options);
  all.server.append(3);
  await all.chat.follow('one');
  all.chat.start();
  all.welcome();
  return all;
}

const texts = (chat) => chat.log('one').events.map(({ message }) => message.text);

/** The server stores what was sent, and says so in the given order. */
function store({ server, network }, send, { ack = true, event = true, author = { kind: 'visitor', name: null } } = {}) {
  const stored = server.append(1, { client_id: send.client_id, author, text: send.text });
  if (event) network.latest.receive({ type: 'event', ...stored });
  if (ack) network.latest.receive(ackOf(send, stored));
  return stored;
}

function ackOf(send, stored, duplicate = false) {
  const { conversation, client_id, ref } = send;
  return {
    type: 'ack',
    ref,
    conversation,
    client_id,
    message_id: stored.message.id,
    seq: stored.seq,
    at: stored.at,
    duplicate,
  };
}

test('it resumes what it holds', async () => {
  const { network } = await following();
  const resume = [{ conversation: 'one', epoch: 1, after: 3 }];
  assert.deepEqual(network.latest.sent[0], { type: 'hello', token: 'cvv_t', resume });
});

test('a cut loses nothing: the next hello begins where the log ended', async () => {
  const { chat, clock, network, server, welcome } = await following();
  network.latest.receive({ type: 'event', ...server.append() });
  network.latest.end();
  server.append(2);
  await clock.pass(1_000);
  welcome();
  assert.equal(network.latest.sent[0].resume[0].after, 4);
  for (const event of server.events.slice(4)) network.latest.receive({ type: 'event', ...event });
  assert.deepEqual(texts(chat), ['text 1', 'text 2', 'text 3', 'text 4', 'text 5', 'text 6']);
});

test('a message is sent once and shows once, whichever of ack and event comes first', async () => {
  for (const first of ['ack', 'event']) {
    const all = await following();
    const { chat, network, server } = all;
    chat.send('one', 'hello');
    const [send] = network.latest.ofType('send');
    assert.equal(send.ref, send.client_id);
    const stored = server.append(1, { client_id: send.client_id, text: 'hello' });
    const frames = [ackOf(send, stored), { type: 'event', ...stored }];
    if (first === 'event') frames.reverse();
    network.latest.receive(frames[0]);
    assert.equal(chat.pending('one').length + chat.log('one').events.filter(({ seq }) => seq > 3).length, 1);
    network.latest.receive(frames[1]);
    assert.deepEqual(chat.pending('one'), []);
    assert.equal(texts(chat).filter((text) => text === 'hello').length, 1);
  }
});

test('a message that was written while offline goes out after the welcome', async () => {
  const { chat, clock, network, welcome } = await following();
  network.latest.end();
  chat.send('one', 'later');
  assert.equal(chat.pending('one')[0].state, 'queued');
  await clock.pass(1_000);
  assert.deepEqual(network.latest.ofType('send'), []);
  welcome();
  assert.deepEqual(
    network.latest.ofType('send').map(({ text }) => text),
    ['later'],
  );
});

test('a message whose ack was lost is sent again under the same id, and shows once', async () => {
  const all = await following();
  const { chat, clock, network, welcome } = all;
  chat.send('one', 'hello');
  const [first] = network.latest.ofType('send');
  const stored = store(all, first, { ack: false, event: false });
  network.latest.end();
  await clock.pass(1_000);
  welcome();
  const [second] = network.latest.ofType('send');
  assert.equal(second.client_id, first.client_id);
  network.latest.receive({ type: 'event', ...stored });
  network.latest.receive(ackOf(second, stored, true));
  assert.deepEqual(chat.pending('one'), []);
  assert.equal(texts(chat).filter((text) => text === 'hello').length, 1);
});

test('messages keep their order over a cut', async () => {
  const all = await following();
  const { chat, clock, network, welcome } = all;
  for (const text of ['a', 'b', 'c']) chat.send('one', text);
  assert.deepEqual(
    network.latest.ofType('send').map(({ text }) => text),
    ['a'],
  );
  store(all, network.latest.ofType('send')[0]);
  assert.deepEqual(
    network.latest.ofType('send').map(({ text }) => text),
    ['a', 'b'],
  );
  network.latest.end();
  await clock.pass(1_000);
  welcome();
  store(all, network.latest.ofType('send')[0]);
  store(all, network.latest.ofType('send')[1]);
  assert.deepEqual(texts(chat).slice(3), ['a', 'b', 'c']);
  assert.deepEqual(chat.pending('one'), []);
});

test('a refused message fails, can be tried again and given up', async () => {
  const { chat, network } = await following();
  chat.send('one', 'no');
  const [send] = network.latest.ofType('send');
  network.latest.receive({ type: 'error', ref: send.ref, code: 'invalid_request', title: 'Refused.' });
  const [entry] = chat.pending('one');
  assert.deepEqual([entry.state, entry.reason], ['failed', 'Refused.']);
  chat.retry(entry);
  assert.equal(network.latest.ofType('send').length, 2);
  chat.discard(entry);
  assert.deepEqual(chat.pending('one'), []);
});

test('a message that comes too fast waits as long as the server says, and nothing overtakes it', async () => {
  const { chat, clock, network } = await following();
  chat.send('one', 'a');
  chat.send('one', 'b');
  const [a] = network.latest.ofType('send');
  network.latest.receive({ type: 'error', ref: a.ref, code: 'rate_limited', title: 'Slow down.', retry_after_ms: 900 });
  await clock.pass(899);
  assert.equal(network.latest.ofType('send').length, 1);
  await clock.pass(1);
  assert.deepEqual(
    network.latest.ofType('send').map(({ text }) => text),
    ['a', 'a'],
  );
});

test('a reset drops what is held and pages again, and keeps what comes meanwhile', async () => {
  const { chat, network, server } = await following();
  server.epoch = 2;
  server.events = [];
  server.append(2);
  network.latest.receive({ type: 'reset', conversation: 'one', epoch: 2, seq: 2 });
  network.latest.receive({ type: 'event', ...message(3, { epoch: 2 }) });
  assert.equal(chat.log('one').loaded, false);
  await settled();
  assert.deepEqual(
    chat.log('one').events.map(({ epoch, seq }) => `${epoch}.${seq}`),
    ['2.1', '2.2', '2.3'],
  );
});

test('a visitor who begins to follow while online misses nothing in between', async () => {
  const { chat, server, welcome } = chatWith();
  chat.start();
  welcome();
  server.append(2);
  await chat.follow('one');
  server.append(1);
  await settled();
  assert.equal(server.asked.at(-1).after, 2);
});

test('an operator subscribes to what it follows, from where the page ended, and leaves again', async () => {
  const { chat, network, server, welcome } = chatWith({ kind: 'operator' });
  chat.start();
  welcome();
  server.append(5);
  await chat.follow('one');
  assert.deepEqual(network.latest.ofType('subscribe'), [
    { type: 'subscribe', ref: 'one', conversation: 'one', after: 5 },
  ]);
  chat.unfollow('one');
  assert.deepEqual(network.latest.ofType('unsubscribe'), [{ type: 'unsubscribe', ref: 'one', conversation: 'one' }]);
  assert.equal(chat.log('one'), undefined);
});

test('the inbox is subscribed to on every connection', async () => {
  let inboxes = 0;
  const { chat, clock, network, welcome } = chatWith({ kind: 'operator', on: { inbox: () => inboxes++ } });
  chat.watchInbox();
  chat.start();
  welcome();
  network.latest.receive({ type: 'subscribed', ref: 'inbox', inbox: true });
  network.latest.end();
  await clock.pass(1_000);
  welcome();
  assert.deepEqual(network.latest.ofType('subscribe'), [{ type: 'subscribe', ref: 'inbox', inbox: true }]);
  network.latest.receive({ type: 'subscribed', ref: 'inbox', inbox: true });
  assert.equal(inboxes, 2);
});

test('an ack for a conversation that nobody follows any more ends the wait', async () => {
  const all = await following({ kind: 'operator' });
  const { chat, network, server } = all;
  chat.send('one', 'bye');
  const [send] = network.latest.ofType('send');
  chat.unfollow('one');
  network.latest.receive(ackOf(send, server.append(1, { client_id: send.client_id })));
  assert.deepEqual(chat.pending('one'), []);
});

test('types that it does not know are ignored', async () => {
  const { chat, network, server } = await following();
  network.latest.receive({ type: 'fireworks', conversation: 'one' });
  network.latest.receive({ type: 'event', ...server.append(), kind: 'poll' });
  assert.equal(chat.log('one').last, 4);
});

test('a log that is loaded again during a cut is joined afterwards', async () => {
  const all = await following({ kind: 'operator' });
  const { chat, clock, network, server, welcome } = all;
  const { page } = server;
  let answer = () => {};
  server.page = (range) => new Promise((resolve) => (answer = () => resolve(page(range))));
  network.latest.receive({ type: 'reset', conversation: 'one', epoch: 1, seq: 3 });
  network.latest.end();
  await clock.pass(1_000);
  welcome();
  assert.deepEqual(network.latest.sent[0].resume, []);
  await settled();
  answer();
  await settled();
  assert.deepEqual(network.latest.ofType('subscribe'), [
    { type: 'subscribe', ref: 'one', conversation: 'one', after: 3 },
  ]);
  assert.equal(chat.log('one').loaded, true);
});

test('a subscription that is refused for now is asked for again', async () => {
  const refusals = [];
  const { chat, clock, network, server, welcome } = chatWith({
    kind: 'operator',
    on: { refused: (error) => refusals.push(error) },
  });
  chat.watchInbox();
  chat.start();
  welcome();
  server.append(1);
  await chat.follow('one');
  const subscribed = network.latest.ofType('subscribe');
  for (const [index, code] of ['rate_limited', 'unavailable'].entries()) {
    network.latest.receive({ type: 'error', ref: subscribed[index].ref, code, title: 'Later.', retry_after_ms: 900 });
  }
  await clock.pass(899);
  assert.equal(network.latest.ofType('subscribe').length, 2);
  await clock.pass(1);
  assert.deepEqual(network.latest.ofType('subscribe').slice(2), subscribed);
  assert.deepEqual(refusals, []);
});

test('what could not be followed can be followed later', async () => {
  const { chat, server } = chatWith();
  const { page } = server;
  server.append(2);
  server.page = () => Promise.reject({ passing: false, status: 403 });
  await assert.rejects(chat.follow('one'), { status: 403 });
  assert.equal(chat.log('one'), undefined);
  server.page = page;
  await chat.follow('one');
  assert.equal(chat.log('one').last, 2);
});
