import assert from 'node:assert/strict';
import { test } from 'node:test';
import { message } from './fakes.js';
import { pendingMessage } from '../client/outbox.js';
import { timeline } from '../client/timeline.js';

const VISITOR = { kind: 'visitor', name: null };
const ADA = { kind: 'operator', name: 'Ada', id: 'ada' };
const BO = { kind: 'operator', name: 'Bo', id: 'bo' };
const at = (minutes, day = 4) => new Date(2026, 2, day, 9, minutes).toISOString();
const asVisitor = { kind: 'visitor', otherReadSeq: 0 };
const asAda = { kind: 'operator', id: 'ada', otherReadSeq: 0 };

const shape = (rows) =>
  rows.map((row) => (row.type === 'message' ? `${row.ours ? 'ours' : 'theirs'} ${row.text}` : row.type));

test('days part what was said, and each side has its own', () => {
  const events = [
    message(1, { author: VISITOR, at: at(0) }),
    message(2, { author: ADA, at: at(1) }),
    message(3, { author: VISITOR, at: at(0, 5) }),
  ];
  assert.deepEqual(shape(timeline(events, [], asVisitor)), [
    'day',
    'ours text 1',
    'theirs text 2',
    'day',
    'ours text 3',
  ]);
  assert.deepEqual(shape(timeline(events, [], asAda)), ['day', 'theirs text 1', 'ours text 2', 'day', 'theirs text 3']);
});

test('messages of one author close together are one turn', () => {
  const events = [
    message(1, { author: ADA, at: at(0) }),
    message(2, { author: ADA, at: at(4) }),
    message(3, { author: ADA, at: at(10) }),
    message(4, { author: BO, at: at(11) }),
    message(5, { author: BO, at: at(11), kind: 'note' }),
  ];
  const rows = timeline(events, [], asAda).filter(({ type }) => type === 'message');
  assert.deepEqual(
    rows.map(({ opens, ends }) => [opens, ends]),
    [
      [true, false],
      [false, true],
      [true, true],
      [true, true],
      [true, true],
    ],
  );
});

test('a visitor, who sees no ids, still tells two operators apart', () => {
  const events = [
    message(1, { author: { kind: 'operator', name: 'Ada' }, at: at(0) }),
    message(2, { author: { kind: 'operator', name: 'Bo' }, at: at(0) }),
  ];
  assert.deepEqual(
    timeline(events, [], asVisitor)
      .slice(1)
      .map(({ opens }) => opens),
    [true, true],
  );
});

test('only the latest message tells how far it got', () => {
  const events = [message(1, { author: VISITOR }), message(2, { author: VISITOR })];
  const deliveries = (otherReadSeq) =>
    timeline(events, [], { kind: 'visitor', otherReadSeq })
      .slice(1)
      .map(({ delivery }) => delivery);
  assert.deepEqual(deliveries(1), ['', 'sent']);
  assert.deepEqual(deliveries(2), ['', 'seen']);
  const answered = [...events, message(3, { author: ADA })];
  assert.deepEqual(
    timeline(answered, [], asVisitor)
      .slice(1)
      .map(({ delivery }) => delivery),
    ['', '', ''],
  );
});

test('a note does not hide how far the latest message got', () => {
  const events = [message(1, { author: ADA }), message(2, { author: ADA, kind: 'note' })];
  const rows = timeline(events, [], { ...asAda, otherReadSeq: 1 });
  assert.deepEqual(
    rows.slice(1).map(({ delivery }) => delivery),
    ['seen', ''],
  );
});

test('a pending message keeps its row when its event comes', () => {
  const pending = pendingMessage({ conversation: 'one', text: 'hello', at: new Date(at(0)).getTime() });
  const before = timeline([], [pending], asVisitor).at(-1);
  const after = timeline([message(1, { author: VISITOR, client_id: pending.client_id, at: at(0) })], [], asVisitor).at(
    -1,
  );
  assert.equal(before.key, after.key);
  assert.deepEqual([before.delivery, after.delivery], ['sending', 'sent']);
});

test('pending messages say where they stand and join the turn before them', () => {
  const events = [message(1, { author: VISITOR, at: at(0) })];
  const entry = (state) => ({
    ...pendingMessage({ conversation: 'one', text: state, at: new Date(at(1)).getTime() }),
    state,
  });
  const rows = timeline(events, ['queued', 'sent', 'acked', 'failed'].map(entry), asVisitor).slice(1);
  assert.deepEqual(
    rows.map(({ delivery }) => delivery),
    ['sent', 'sending', 'sending', 'sent', 'failed'],
  );
  assert.deepEqual(
    rows.map(({ opens }) => opens),
    [true, false, false, false, false],
  );
});

test('what this client does not know leaves no row', () => {
  const status = { conversation: 'one', seq: 2, epoch: 1, at: at(0), kind: 'status', status: 'closed', by: ADA };
  const rows = timeline([message(1, { at: at(0) }), status, { ...status, seq: 3, kind: 'poll' }], [], asVisitor);
  assert.deepEqual(
    rows.map(({ type }) => type),
    ['day', 'message', 'line'],
  );
});

test('an erased text is null', () => {
  assert.equal(timeline([message(1, { text: null })], [], asVisitor).at(-1).text, null);
});
