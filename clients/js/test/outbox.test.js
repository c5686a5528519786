import assert from 'node:assert/strict';
import { test } from 'node:test';
import { message } from './fakes.js';
import { Outbox, TEXT_CHARS_MAX, pendingMessage, tidy } from '../client/outbox.js';

const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

function outboxWith(...texts) {
  const outbox = new Outbox();
  for (const text of texts) outbox.add(pendingMessage({ conversation: 'one', text, at: 0 }));
  return outbox;
}

test('every message gets an id of its own, a UUID', () => {
  const ids = Array.from({ length: 100 }, () => pendingMessage({ text: 'x' }).client_id);
  for (const id of ids) assert.match(id, UUID_V4);
  assert.equal(new Set(ids).size, 100);
});

test('one message of a conversation is under way at a time', () => {
  const outbox = outboxWith('a', 'b');
  outbox.add(pendingMessage({ conversation: 'two', text: 'c', at: 0 }));
  assert.deepEqual(
    outbox
      .due()
      .map(({ text }) => text)
      .sort(),
    ['a', 'c'],
  );
  outbox.due().forEach((entry) => (entry.state = 'sent'));
  assert.deepEqual(outbox.due(), []);
});

test('one that failed does not hold up the next', () => {
  const outbox = outboxWith('a', 'b');
  outbox.of('one')[0].state = 'failed';
  assert.deepEqual(
    outbox.due().map(({ text }) => text),
    ['b'],
  );
});

test('after a cut, what was not acked goes out again under the same id', () => {
  const outbox = outboxWith('a', 'b');
  const [a, b] = outbox.of('one');
  const id = a.client_id;
  a.state = 'acked';
  b.state = 'sent';
  outbox.requeue();
  assert.deepEqual(outbox.due(), [b]);
  assert.equal(a.client_id, id);
});

test('a message leaves when its event is in the log, and not before', () => {
  const outbox = outboxWith('a', 'b');
  const [a, b] = outbox.of('one');
  Object.assign(a, { state: 'acked', seq: 4 });
  outbox.settle('one', { events: [message(3)], last: 3 });
  assert.deepEqual(outbox.of('one'), [a, b]);
  outbox.settle('one', { events: [message(3), message(4, { client_id: a.client_id })], last: 4 });
  assert.deepEqual(outbox.of('one'), [b]);
});

test('the event alone is enough, where the ack was lost', () => {
  const outbox = outboxWith('a');
  outbox.settle('one', { events: [message(1, { client_id: outbox.of('one')[0].client_id })], last: 1 });
  assert.deepEqual(outbox.of('one'), []);
});

test('an acked message leaves even if its event lies before what is held', () => {
  const outbox = outboxWith('a');
  Object.assign(outbox.of('one')[0], { state: 'acked', seq: 2 });
  outbox.settle('one', { events: [message(9)], last: 9 });
  assert.deepEqual(outbox.of('one'), []);
});

test('one conversation does not settle another', () => {
  const outbox = outboxWith('a');
  outbox.settle('two', { events: [message(1, { client_id: outbox.of('one')[0].client_id })], last: 1 });
  assert.equal(outbox.of('one').length, 1);
});

test('text is tidied of what a server refuses', () => {
  assert.equal(tidy('  a\0b \n'), 'ab');
  assert.equal(tidy('x\ud800y'), 'x\ufffdy');
  assert.equal(tidy('a 😀 b'), 'a 😀 b');
  assert.equal(tidy(' \n\t '), '');
  assert.equal(TEXT_CHARS_MAX, 8000);
});
