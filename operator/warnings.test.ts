import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type LegState, legWarnings } from './warnings.ts';

const healthy: LegState = {
  consumer: 'hiring',
  isMoving: false,
  isUp: true,
  isListening: true,
  hasDurable: true,
  streamProblem: '',
  streamDifferences: [],
  transports: new Set(['async']),
  unownedLanes: 0,
  deadLetters: 0,
  unrouted: '',
  lost: '',
  blocked: { count: 0, reason: '', forMs: 0 },
  contractAlarms: [],
  bindProblem: '',
  pausedReason: '',
};

describe('warnings of a leg', () => {
  it('are none when all is well', () => {
    assert.deepEqual(legWarnings(healthy), []);
    const sync = { ...healthy, transports: new Set(['sync'] as const), isListening: false };
    assert.deepEqual(legWarnings({ ...sync, hasDurable: false, streamProblem: 'gone' }), []);
  });

  it('name a consumer that listens where nobody sends, but not while a run moves the leg', () => {
    const starving: LegState = { ...healthy, transports: new Set(['sync']) };
    assert.deepEqual(legWarnings(starving), [
      'starving consumer: hiring listens where nobody sends',
    ]);
    assert.deepEqual(legWarnings({ ...starving, isMoving: true }), []);
  });

  it('name what is not as wanted of a stream that is used, and of no other', () => {
    const streamDifferences = ['the stream COMM-010 has discard old instead of new'];
    assert.deepEqual(legWarnings({ ...healthy, streamDifferences }), streamDifferences);
    const unused = { transports: new Set(['sync'] as const), isListening: false };
    assert.deepEqual(legWarnings({ ...healthy, ...unused, streamDifferences }), []);
  });

  it('name a writer that goes around the outbox', () => {
    const unrouted = '2 messages reached hiring that assessments did not send (epoch 1 lane 7)';
    assert.deepEqual(legWarnings({ ...healthy, unrouted }), [`unrouted writer: ${unrouted}`]);
  });

  it('name what a consumer lost, and the command that finds it', () => {
    assert.deepEqual(
      legWarnings({ ...healthy, lost: '3 settled messages; relink reconcile COMM-010' }),
      ["hiring's database lost 3 settled messages; relink reconcile COMM-010"],
    );
  });

  it('say how many messages do not get further, and why', () => {
    const blocked = { count: 41, reason: 'too large for the NATS server', forMs: 12_300 };
    assert.deepEqual(legWarnings({ ...healthy, blocked }), [
      '41 messages wait, the longest for 12 s: too large for the NATS server',
    ]);
    assert.deepEqual(legWarnings({ ...healthy, bindProblem: 'jetstream is not enabled' }), [
      'hiring gets nothing from the stream: jetstream is not enabled',
    ]);
  });

  it('name each thing that is missing where messages go by the stream', () => {
    const broken = { ...healthy, isListening: false, hasDurable: false, unownedLanes: 2 };
    assert.deepEqual(legWarnings(broken), [
      'the producer emits, but hiring does not listen',
      'the stream has no durable consumer for hiring',
      '2 lanes have no live relay',
    ]);
    const streamProblem = 'JetStream does not answer: Authorization Violation';
    assert.deepEqual(legWarnings({ ...healthy, hasDurable: false, streamProblem }), [
      streamProblem,
    ]);
  });

  it('name a contract whose text is not the registered one', () => {
    const contractAlarms = ['hiring/hiring-1 has another text of ManagerCreated v0'];
    assert.deepEqual(legWarnings({ ...healthy, contractAlarms }), contractAlarms);
  });
});
