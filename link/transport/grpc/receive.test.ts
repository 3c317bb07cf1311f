/** What a consumer's typed method answers to a call that it cannot take. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, fromBinary } from '@bufbuild/protobuf';
import { BookSolutionRequestSchema } from '../../../gen/bonuses/v1/links_pb.ts';
import type { RpcContext } from '../../../rpc/handlers.ts';
import { links } from '../../../services/links.ts';
import type { Receiver } from '../../inbox/receiver.ts';
import { pushHandler } from './receive.ts';

const context = { header: () => undefined } as unknown as RpcContext;

function heardBy(noted: string[]) {
  const receiver = { noteNewer: (detail: string) => noted.push(detail) } as unknown as Receiver;
  return pushHandler(links['COMM-040'], receiver);
}

test('a call with an event that was added after this build is refused by name, and to be made again', async () => {
  const noted: string[] = [];
  // Field 15, two bytes: what protobuf leaves of a case that it does not know.
  const request = fromBinary(BookSolutionRequestSchema, new Uint8Array([0x7a, 2, 0x0a, 0]));
  const why = /COMM-040 holds an event that this build does not know, field 15: start a build/;
  await assert.rejects(heardBy(noted)(request, context), {
    code: 'FAILED_PRECONDITION',
    reason: 'EVENT_NEWER',
    message: why,
  });
  assert.match(noted.join(), why);
});

test('a call without any event is an invalid argument', async () => {
  const noted: string[] = [];
  const request = create(BookSolutionRequestSchema);
  const rejected = heardBy(noted)(request, context);
  await assert.rejects(rejected, { code: 'INVALID_ARGUMENT', message: /event must hold/ });
  assert.deepEqual(noted, []);
});
