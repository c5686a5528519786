import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock, FakeLog, message, settled } from './fakes.js';
import { Follower, Log } from '../client/log.js';

const page = (data, { seq = data.at(-1)?.seq ?? 0, epoch = 1, floor = 0 } = {}) => ({ data, seq, epoch, floor });
const seqs = (log) => log.events.map(({ seq }) => seq);

function loaded(...at) {
  const log = new Log();
  log.adopt(page(at.map((seq) => message(seq))));
  return log;
}

test('events that follow on are added, repeats are not', () => {
  const log = loaded(1, 2);
  assert.equal(log.accept(message(3)), 'added');
  assert.equal(log.accept(message(3)), 'known');
  assert.equal(log.accept(message(1)), 'known');
  assert.deepEqual(seqs(log), [1, 2, 3]);
});

test('an event that comes too early waits for those before it', () => {
  const log = loaded(1);
  assert.equal(log.accept(message(4)), 'held');
  assert.equal(log.accept(message(3)), 'held');
  assert.equal(log.hasGap, true);
  assert.deepEqual(seqs(log), [1]);
  assert.equal(log.accept(message(2)), 'added');
  assert.deepEqual(seqs(log), [1, 2, 3, 4]);
  assert.equal(log.hasGap, false);
});

test('an event of another epoch is foreign', () => {
  assert.equal(loaded(1).accept(message(2, { epoch: 2 })), 'foreign');
});

test('events that come while the first page is under way are not lost', () => {
  const log = new Log();
  log.accept(message(3));
  log.accept(message(2));
  assert.equal(log.hasGap, false);
  log.adopt(page([message(1), message(2)]));
  assert.deepEqual(seqs(log), [1, 2, 3]);
});

test('an empty conversation begins at the position that the page names', () => {
  const log = new Log();
  log.adopt(page([], { seq: 0 }));
  assert.equal(log.last, 0);
  assert.equal(log.hasOlder, false);
  assert.equal(log.accept(message(1)), 'added');
});

test('older pages go before, until the first event is there', () => {
  const log = loaded(5, 6);
  assert.equal(log.hasOlder, true);
  log.prepend(page([message(3), message(4)]));
  assert.deepEqual(seqs(log), [3, 4, 5, 6]);
  log.prepend(page([message(1), message(2)]));
  assert.equal(log.hasOlder, false);
});

test('an empty older page is the start: retention has removed what was before', () => {
  const log = loaded(5);
  log.prepend(page([], { floor: 5 }));
  assert.equal(log.hasOlder, false);
});

test('a page that does not follow on is refused', () => {
  const log = loaded(1);
  assert.equal(log.extend(page([message(3)])), false);
  assert.equal(log.extend(page([message(2, { epoch: 2 })], { epoch: 2 })), false);
  assert.equal(log.extend(page([message(1), message(2)])), true);
  assert.deepEqual(seqs(log), [1, 2]);
});

function follow(server = new FakeLog()) {
  const clock = new FakeClock();
  let changes = 0;
  const follower = new Follower(server.page, () => changes++, clock);
  return { clock, server, follower, log: follower.log, changes: () => changes };
}

test('a gap that stays is paged', async () => {
  const { clock, server, follower, log } = follow();
  server.append(2);
  await follower.load();
  server.append(3);
  follower.accept(server.events[4]);
  assert.deepEqual(seqs(log), [1, 2]);
  await clock.pass(400);
  assert.deepEqual(seqs(log), [1, 2, 3, 4, 5]);
});

test('a gap that a replay closes is not paged', async () => {
  const { clock, server, follower, log } = follow();
  server.append(1);
  await follower.load();
  server.append(2);
  follower.accept(server.events[2]);
  follower.accept(server.events[1]);
  await clock.pass(10_000);
  assert.deepEqual(seqs(log), [1, 2, 3]);
  assert.equal(server.asked.length, 1);
});

test('filling goes on over many pages', async () => {
  const { server, follower, log } = follow();
  server.append(1);
  await follower.load();
  server.append(450);
  await follower.fill();
  assert.equal(log.last, 451);
  assert.equal(log.events.length, 451);
});

test('filling beyond what retention has removed starts over', async () => {
  const { server, follower, log } = follow();
  server.append(2);
  await follower.load();
  server.append(8);
  server.events = server.events.slice(5);
  server.floor = 6;
  await follower.fill();
  assert.deepEqual(seqs(log), [6, 7, 8, 9, 10]);
});

test('a new epoch starts over', async () => {
  const { server, follower, log } = follow();
  server.append(3);
  await follower.load();
  server.epoch = 2;
  server.events = [];
  server.append(1);
  follower.accept(server.events[0]);
  await settled();
  assert.equal(log.epoch, 2);
  assert.deepEqual(seqs(log), [1]);
});

test('loading older pages goes on to the first event, one page at a time', async () => {
  const { server, follower, log } = follow();
  server.append(120);
  await follower.load();
  await Promise.all([follower.loadOlder(), follower.loadOlder()]);
  assert.equal(log.first, 21);
  await follower.loadOlder();
  assert.equal(log.first, 1);
  await follower.loadOlder();
  assert.equal(server.asked.length, 3);
});

test('a page that fails for a passing reason is asked for again', async () => {
  const { clock, server, follower, log } = follow();
  server.append(2);
  const { page: answer } = server;
  let failures = 3;
  server.page = (range) => (failures-- > 0 ? Promise.reject({ passing: true }) : answer(range));
  const other = new Follower(
    (range) => server.page(range),
    () => {},
    clock,
  );
  const loading = other.load();
  await clock.pass(10_000);
  await loading;
  assert.deepEqual(seqs(other.log), [1, 2]);
  assert.equal(log.loaded, false);
});

test('a page that fails for good is an error', async () => {
  const clock = new FakeClock();
  const follower = new Follower(
    () => Promise.reject({ passing: false, status: 404 }),
    () => {},
    clock,
  );
  await assert.rejects(follower.load(), { status: 404 });
});

test('an answer that a reset has made stale is dropped', async () => {
  const { server, follower, log } = follow();
  server.append(1);
  const { page: answer } = server;
  let release = () => {};
  const held = new Promise((resolve) => (release = resolve));
  let first = true;
  const slow = new Follower(
    async (range) => {
      const result = await answer(range);
      if (first) {
        first = false;
        await held;
      }
      return result;
    },
    () => {},
    new FakeClock(),
  );
  const early = slow.load();
  server.append(1);
  await slow.load();
  release();
  await early;
  assert.deepEqual(seqs(slow.log), [1, 2]);
  assert.equal(log.loaded, false);
  follower.stop();
});

test('a gap that was waiting for its end is not paged once nobody follows', async () => {
  const { clock, server, follower } = follow();
  server.append(2);
  await follower.load();
  server.append(3);
  follower.accept(server.events[4]);
  follower.stop();
  await clock.pass(10_000);
  assert.equal(server.asked.length, 1);
});
