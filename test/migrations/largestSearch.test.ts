/** The largest requests that erasing makes are taken by a real server. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { applyExpand } from '../../db/schemaChanges.ts';
import { PhrasesSchema } from '../../gen/relink/v1/participant_pb.ts';
import { hashPhrase } from '../../link/erasing/phrases.ts';
import { erasingHandlers } from '../../link/participant/erasingHandlers.ts';
import { inParts, SEARCH } from '../../migration/leg/phrases.ts';
import { Participants } from '../../migration/participants.ts';
import { closePostgres, connectPostgres } from '../../runtime/postgres.ts';
import { testDatabase } from '../harness/postgres.ts';
import { playService } from '../rigs/oneStep.ts';

const SALT = 'a salt of this search';
const ENTITIES = 60_000;
const HASHES_OF_ONE = 4;
const MOST_BYTES = 4 * 1024 * 1024;

function entity(number: number) {
  const hashes = Array.from({ length: HASHES_OF_ONE }, (_, i) =>
    hashPhrase(SALT, [String(number), String(i)]),
  );
  return create(PhrasesSchema, { alias: `calm-otter-${number}`, hashes });
}

test('as many names as one call holds are replaced and searched for', async (t) => {
  const { url } = await testDatabase(t, { name: 'link', fill: (to) => applyExpand(to, ['link']) });
  const sql = connectPostgres(url, { name: 'erasing' });
  t.after(() => closePostgres(sql));
  const address = await playService(t, erasingHandlers({ sql, produced: [], consumed: [] }));
  const participants = new Participants({ hiring: [address] });
  t.after(() => participants.close());
  const entities = Array.from({ length: ENTITIES }, (_, i) => entity(i));
  const list = { salt: SALT, longest: 2, fields: [], entities };
  const [part, ...others] = [...inParts(list)];
  assert.ok(part!.length > 40_000 && others.length > 0, `${part!.length} fit`);
  const hashes = part!.flatMap((one) => one.hashes);
  assert.ok(hashes.length >= 160_000 && hashes.length * 14 < MOST_BYTES);
  const service = participants.of('hiring');
  const request = { salt: SALT, longest: 2 };
  await service.replacePhrases({ ...request, entities: part! }, SEARCH);
  const { searched } = await service.findTraces({ ...request, hashes }, SEARCH);
  assert.ok('relink.dead_letters' in searched);
});
