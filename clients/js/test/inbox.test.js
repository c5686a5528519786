import assert from 'node:assert/strict';
import { test } from 'node:test';
import { message, settled } from './fakes.js';
import { Inbox } from '../../../examples/reference-server/pages/dashboard/inbox.js';

test('what happens while an unlisted conversation is asked for is not lost', async () => {
  const answers = [];
  const api = { conversation: () => new Promise((resolve) => answers.push(resolve)) };
  const inbox = new Inbox(api, 'me', () => {});
  const answer = (seq) => answers.shift()({ conversation: { id: 'one', seq, epoch: 1, visitor: { id: 'v' } } });
  inbox.take(message(1));
  inbox.take(message(2));
  inbox.take(message(3));
  assert.equal(answers.length, 1);
  answer(1);
  await settled();
  answer(3);
  await settled();
  assert.equal(inbox.get('one').seq, 3);
  assert.equal(answers.length, 0);
});
