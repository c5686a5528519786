import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock, fakeNetwork } from './fakes.js';
import { Socket } from '../client/socket.js';

function connect(hello = () => ({ token: 'cvv_t' })) {
  const clock = new FakeClock();
  const network = fakeNetwork();
  const frames = [];
  const phases = [];
  const socket = new Socket({
    url: 'ws://example.org/chat/v1/socket',
    hello,
    onFrame: (frame) => frames.push(frame),
    onPhase: (phase, code) => phases.push(code === undefined ? phase : `${phase} ${code}`),
    clock,
    WebSocket: network.WebSocket,
  });
  socket.start();
  return { clock, network, frames, phases, socket };
}

test('it speaks the subprotocol and says hello first', () => {
  const { network, socket } = connect();
  assert.equal(network.latest.protocol, 'convor.v1');
  network.latest.open();
  assert.deepEqual(network.latest.sent, [{ type: 'hello', token: 'cvv_t' }]);
  assert.equal(socket.phase, 'connecting');
});

test('nothing but hello is sent before the welcome', () => {
  const { network, socket } = connect();
  network.latest.open();
  assert.equal(socket.send({ type: 'read', conversation: 'one', seq: 1 }), false);
  network.latest.receive({ type: 'welcome', principal: { kind: 'visitor' }, heartbeat_ms: 25_000 });
  assert.equal(socket.send({ type: 'read', conversation: 'one', seq: 1 }), true);
});

test('an abnormal end comes back, with growing pauses', async () => {
  const { clock, network, phases } = connect();
  network.latest.end();
  assert.deepEqual(phases, ['connecting', 'waiting 1006']);
  await clock.pass(374);
  assert.equal(network.sockets.length, 1);
  await clock.pass(1);
  assert.equal(network.sockets.length, 2);
  network.latest.end();
  await clock.pass(749);
  assert.equal(network.sockets.length, 2);
  await clock.pass(1);
  assert.equal(network.sockets.length, 3);
});

/** Ends the connection, and answers how long it takes until the next one begins. */
async function pauseAfterEnd({ clock, network }, code = 1006) {
  const before = network.sockets.length;
  const began = clock.now();
  network.latest.end(code);
  while (network.sockets.length === before) await clock.pass(1);
  return clock.now() - began;
}

test('pauses never grow beyond half a minute', async () => {
  const all = connect();
  const pauses = [];
  for (let n = 0; n < 9; n++) pauses.push(await pauseAfterEnd(all));
  assert.deepEqual(pauses, [375, 750, 1500, 3000, 6000, 12_000, 22_500, 22_500, 22_500]);
});

test('a connection that held earns short pauses again, one that did not does not', async () => {
  const all = connect();
  for (let n = 0; n < 3; n++) await pauseAfterEnd(all);
  all.network.latest.welcome();
  assert.equal(await pauseAfterEnd(all), 3000);
  all.network.latest.welcome();
  await all.clock.pass(10_000);
  assert.equal(await pauseAfterEnd(all), 375);
});

for (const code of [4001, 4002, 4003, 4004, 4099, 1001, 1006]) {
  test(`close code ${code} comes back`, async () => {
    const all = connect();
    all.network.latest.welcome();
    assert.equal(await pauseAfterEnd(all, code), 375);
  });
}

for (const code of [4100, 4101, 4102, 4103, 4104, 4199]) {
  test(`close code ${code} does not come back`, async () => {
    const { clock, network, phases } = connect();
    network.latest.welcome();
    network.latest.end(code);
    await clock.pass(600_000);
    assert.equal(network.sockets.length, 1);
    assert.equal(phases.at(-1), `stopped ${code}`);
  });
}

test('a closing server says when to come back', async () => {
  const { clock, network } = connect();
  network.latest.welcome();
  network.latest.receive({ type: 'closing', code: 4001, reason: 'draining', reconnect_after_ms: 4_200 });
  network.latest.end(4001);
  await clock.pass(4_199);
  assert.equal(network.sockets.length, 1);
  await clock.pass(1);
  assert.equal(network.sockets.length, 2);
});

test('an announced end holds even if the connection breaks first', () => {
  const { network, phases } = connect();
  network.latest.welcome();
  network.latest.receive({ type: 'closing', code: 4100, reason: 'revoked' });
  network.latest.end(1006);
  assert.equal(phases.at(-1), 'stopped 4100');
});

test('silence beyond the heartbeat counts as the end', async () => {
  const { clock, network, socket } = connect();
  network.latest.welcome();
  for (let n = 0; n < 4; n++) {
    await clock.pass(30_000);
    network.latest.receive({ type: 'heartbeat' });
  }
  assert.equal(network.sockets.length, 1);
  const [dead] = network.sockets;
  await clock.pass(34_999);
  assert.equal(socket.phase, 'online');
  await clock.pass(1);
  assert.equal(socket.phase, 'waiting');
  assert.equal(dead.closed, true);
});

test('a welcome that never comes counts as the end', async () => {
  const { clock, network, socket } = connect();
  network.latest.open();
  await clock.pass(12_000);
  assert.equal(socket.phase, 'waiting');
});

test('what a dropped connection still says is not heard', async () => {
  const { clock, network, frames, socket } = connect();
  network.latest.welcome();
  const [dead] = network.sockets;
  await clock.pass(35_000);
  const heard = frames.length;
  dead.receive({ type: 'event', seq: 1 });
  dead.end(4100);
  assert.equal(frames.length, heard);
  assert.notEqual(socket.phase, 'stopped');
});

test('waking tries at once, and only while waiting', () => {
  const { network, socket } = connect();
  socket.wake();
  assert.equal(network.sockets.length, 1);
  network.latest.end();
  socket.wake();
  assert.equal(network.sockets.length, 2);
});

test('stopped by hand, it stays away until it is started', async () => {
  const { clock, network, socket } = connect();
  network.latest.welcome();
  socket.stop();
  assert.equal(network.latest.closed, true);
  await clock.pass(600_000);
  assert.equal(network.sockets.length, 1);
  socket.start();
  assert.equal(network.sockets.length, 2);
});

test('heartbeats are not handed on', () => {
  const { network, frames } = connect();
  network.latest.welcome();
  network.latest.receive({ type: 'heartbeat' });
  assert.deepEqual(
    frames.map(({ type }) => type),
    ['welcome'],
  );
});

test('at rest it stays away until it is woken', async () => {
  const { clock, network, phases, socket } = connect();
  network.latest.welcome();
  const before = network.latest;
  socket.rest();
  assert.equal(before.closed, true);
  await clock.pass(600_000);
  assert.equal(network.sockets.length, 1);
  socket.wake();
  assert.equal(network.sockets.length, 2);
  assert.deepEqual(phases, ['connecting', 'online', 'waiting', 'connecting']);
});

test('what has not begun does not rest', () => {
  const { network, phases, socket } = connect();
  socket.stop();
  socket.rest();
  socket.wake();
  assert.deepEqual([phases, network.sockets.length], [['connecting', 'idle'], 1]);
});
