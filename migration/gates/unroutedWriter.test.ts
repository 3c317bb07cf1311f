import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { describeUnrouted, mergeLooks, type Unrouted } from './unroutedWriter.ts';

const leg = { link: 'COMM-010', producer: 'assessments', consumer: 'hiring' };
const found = (count: number, atMost = count): Unrouted => ({
  ...{ count, atMost, places: ['epoch 1 lane 9'], letters: [] },
});

describe('a writer around the outbox', () => {
  it('stays known while traffic hides it, and is forgotten when its messages are removed', () => {
    const looks = [found(0, 3), found(1, 4), found(0, 2), found(2, 2), found(0, 5), found(0, 1)];
    let known = 0;
    const after = looks.map((now) => {
      known = mergeLooks(known, now);
      return known;
    });
    assert.deepEqual(after, [0, 1, 1, 2, 2, 0]);
  });

  it('is said with how many, where, and whom dead letters name', () => {
    assert.equal(describeUnrouted(leg, { ...found(0), letters: [] }), '');
    assert.equal(
      describeUnrouted(leg, found(1)),
      '1 message reached hiring that assessments did not send (epoch 1 lane 9)',
    );
    const letters = ['', '', 'night-job'].map((source, at) => ({ id: String(at), source }));
    assert.equal(
      describeUnrouted(leg, { ...found(0), letters }),
      '3 dead letters are not from assessments but from an unnamed source, night-job',
    );
    const places = Array.from({ length: 9 }, (_, lane) => `epoch 1 lane ${lane}`);
    assert.match(describeUnrouted(leg, { ...found(9), places }), /lane 4, …\)$/);
  });
});
