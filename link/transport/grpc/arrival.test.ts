import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { WireType } from '@bufbuild/protobuf/wire';
import { BookSolutionRequestSchema } from '../../../gen/bonuses/v1/links_pb.ts';
import { SolutionCompletedSchema } from '../../../gen/hiring/events/v0/solution_completed_pb.ts';
import type { RpcContext } from '../../../rpc/handlers.ts';
import { links } from '../../../services/links.ts';
import { checkArrival } from '../../inbox/delivery.ts';
import { solutionHandler } from '../../inbox/solutions.fixture.ts';
import { METADATA } from '../../wire/headers.ts';
import { readArrival } from './arrival.ts';

const headers: Record<string, string> = {
  [METADATA.eventId]: '01900000-0000-7000-8000-000000000000',
  [METADATA.key]: '01900000-0000-7000-8000-000000000001',
  [METADATA.version]: '1',
  [METADATA.epoch]: '1',
};
const context = { header: (name: string) => headers[name] } as unknown as RpcContext;

test('a field that this build does not know is refused and named, as it is on a stream', () => {
  const value = create(SolutionCompletedSchema, {
    payload: { solutionId: headers[METADATA.key]! },
  });
  value.payload!.$unknown = [{ no: 99, wireType: WireType.Varint, data: new Uint8Array([1]) }];
  const event = { case: 'solutionCompletedV0' as const, value };
  const request = create(BookSolutionRequestSchema, { event });
  const link = links['COMM-040'];
  const arrival = readArrival(link, request, context);
  const checked = checkArrival(
    link,
    arrival,
    solutionHandler(async () => undefined),
  );
  assert.ok(!checked.ok);
  assert.equal(checked.reason, 'INVALID_EVENT');
  assert.match(
    checked.detail,
    /payload has an unknown field, number 99: is unknown|payload has an unknown field, number 99/,
  );
  assert.match(arrival.text, /"solution_id":/, 'the rest is kept as it came');
});

for (const seconds of [2n ** 62n, -(2n ** 62n)])
  test(`a call with a time of ${seconds} s is kept, and its event fits no contract`, () => {
    const value = create(SolutionCompletedSchema, { producedAt: { seconds } });
    const event = { case: 'solutionCompletedV0' as const, value };
    const request = create(BookSolutionRequestSchema, { event });
    const link = links['COMM-040'];
    const arrival = readArrival(link, request, context);
    assert.match(arrival.text, new RegExp(String(seconds)));
    const checked = checkArrival(
      link,
      arrival,
      solutionHandler(async () => undefined),
    );
    assert.equal(checked.ok || checked.reason, 'INVALID_EVENT');
  });
