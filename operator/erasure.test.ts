import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { EventDescriptionSchema } from '../gen/relink/v1/participant_pb.ts';
import { whyNoStatement } from './erasure.ts';

const event = (...complement: string[]) =>
  create(EventDescriptionSchema, { steps: [{ older: 0, newer: 1, complement }] });

test('a link without a statement says whether there is anything to look for, and the next order', () => {
  assert.equal(
    whyNoStatement({ id: 'COMM-040', events: [event()] }),
    'no version of COMM-040 takes fields away: there is nothing to look for',
  );
  assert.match(
    whyNoStatement({ id: 'COMM-010', events: [event(), event('first_name')] }),
    /^COMM-010 has no erasure statement yet: relink start COMM-010 --to v1 --way-back keep, /,
  );
});
