import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { playService } from '../test/rigs/oneStep.ts';
import { Participants } from './participants.ts';

test('every process behind a name is asked, and none that is gone from it', {
  skip: process.platform !== 'linux' && 'only Linux has all of 127.0.0.0/8',
}, async () => {
  const handlers = { describe: async () => ({ service: 'hiring' }) };
  const first = await playService({ after }, handlers);
  const port = Number(first.split(':')[1]);
  await playService({ after }, handlers, { host: '127.0.0.2', port });
  let known = ['127.0.0.1', '127.0.0.2'];
  const participants = new Participants({ hiring: [`localhost:${port}`] }, async () => known);
  after(() => participants.close());
  const guarded = participants.guarded(() => undefined);

  const answered = async () =>
    (await guarded.replicas('hiring')).map((one) => `${one.address} ${one.description?.service}`);
  assert.deepEqual(await answered(), [`${first} hiring`, `127.0.0.2:${port} hiring`]);
  assert.equal(guarded.each('hiring').length, 2);
  known = ['127.0.0.2'];
  assert.deepEqual(await answered(), [`127.0.0.2:${port} hiring`]);
  assert.equal(participants.each('hiring').length, 1);
});
