import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { JetStreamApiError } from '@nats-io/jetstream';
import { NoRespondersError, RequestError, TimeoutError } from '@nats-io/transport-node';
import { RpcCallError, RpcError, toStatus } from '../../rpc/errors.ts';
import { StepProblem } from '../errors.ts';
import { isRepeatable } from './repeatable.ts';

function received(...[code, reason]: [RpcError['code'], string]): RpcCallError {
  const status = toStatus(new RpcError(code, reason, 'so it is'));
  return new RpcCallError('relink.v1.LinkParticipant/Probe', 'h:1', status, status.metadata);
}

const apiError = (status: number) =>
  new JetStreamApiError({ code: status, err_code: 10_008, description: 'timeout' });

describe('a step is repeated', () => {
  it('when a participant did not answer, or a lane has not adopted its route yet', () => {
    assert.ok(isRepeatable(received('UNAVAILABLE', 'UNAVAILABLE')));
    assert.ok(isRepeatable(received('DEADLINE_EXCEEDED', 'INTERNAL')));
    assert.ok(isRepeatable(received('ABORTED', 'ROUTE_PENDING')));
  });

  it('when NATS did not answer, also as the cause of another error', () => {
    const silent = new RequestError('', { cause: new NoRespondersError('$JS.API.INFO') });
    assert.ok(isRepeatable(new TimeoutError()));
    assert.ok(isRepeatable(new Error('jetstream is not enabled', { cause: silent })));
    assert.ok(isRepeatable(apiError(503)));
  });

  it('when a step says that trying again may get through, or a statement took too long', () => {
    assert.ok(isRepeatable(new StepProblem('fail', 'no responders', { isRepeatable: true })));
    assert.ok(isRepeatable(Object.assign(new Error('canceled'), { code: '57014' })));
  });

  it('not when something was refused, whatever the words of the error', () => {
    assert.ok(!isRepeatable(received('FAILED_PRECONDITION', 'REPLICA_IN_USE')));
    assert.ok(!isRepeatable(received('ABORTED', 'ROUTE_CHANGED')));
    assert.ok(!isRepeatable(apiError(400)));
    assert.ok(!isRepeatable(new Error('503 timeout: no responders, disconnect')));
    assert.ok(!isRepeatable(new StepProblem('stop', 'timeout')));
  });
});
