import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock, settled } from './fakes.js';
import { SayTyping, SeenTyping, backoffMs, persist } from '../client/clock.js';

test('pauses double up to a bound, and chance takes at most half away', () => {
  for (const [failures, longest] of [
    [0, 500],
    [1, 1000],
    [5, 16_000],
    [6, 30_000],
    [900, 30_000],
  ]) {
    assert.equal(backoffMs(failures, { random: () => 1 }), longest);
    assert.equal(backoffMs(failures, { random: () => 0 }), longest / 2);
  }
});

test('what fails for a passing reason is repeated, as late as the server asks', async () => {
  const clock = new FakeClock();
  const answers = [{ passing: true, retryAfterMs: 5000 }, { passing: true }];
  let tries = 0;
  const done = persist(() => (tries++ < 2 ? Promise.reject(answers[tries - 1]) : Promise.resolve('yes')), clock);
  await clock.pass(4999);
  assert.equal(tries, 1);
  await clock.pass(1);
  assert.equal(tries, 2);
  await clock.pass(1000);
  assert.equal(await done, 'yes');
});

test('a lasting failure, and giving up, end it', async () => {
  const clock = new FakeClock();
  await assert.rejects(
    persist(() => Promise.reject({ passing: false, status: 404 }), clock),
    { status: 404 },
  );
  await assert.rejects(
    persist(
      () => Promise.reject({ passing: true, status: 503 }),
      clock,
      () => true,
    ),
    { status: 503 },
  );
});

test('typing is said at once, again while it goes on, and when it ends', async () => {
  const clock = new FakeClock();
  const said = [];
  const typing = new SayTyping((active) => said.push(active), clock);
  typing.changed(true);
  typing.changed(true);
  assert.deepEqual(said, [true]);
  await clock.pass(3000);
  typing.changed(true);
  assert.deepEqual(said, [true, true]);
  typing.changed(false);
  typing.stop();
  assert.deepEqual(said, [true, true, false]);
});

test('who types is forgotten when it is not said again', async () => {
  const clock = new FakeClock();
  let changes = 0;
  const typing = new SeenTyping(() => changes++, clock);
  typing.saw('ada', 'Ada', true);
  await clock.pass(4000);
  typing.saw('ada', 'Ada', true);
  typing.saw('bo', 'Bo', true);
  await clock.pass(4000);
  assert.deepEqual(typing.names, ['Ada', 'Bo']);
  typing.saw('bo', 'Bo', false);
  assert.deepEqual(typing.names, ['Ada']);
  await clock.pass(1000);
  assert.deepEqual(typing.names, []);
  await settled();
  assert.equal(changes, 5);
});
