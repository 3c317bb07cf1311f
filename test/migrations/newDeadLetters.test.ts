/** Dead letters that the traffic of a run makes, beside old ones that a person tidies up. */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { describe, it } from 'node:test';
import { applyExpand } from '../../db/schemaChanges.ts';
import { deadLetterHandlers } from '../../link/participant/deadLetterHandlers.ts';
import { noNewDeadLetters } from '../../migration/gates/deadLetters.ts';
import { newestDeadIds } from '../../migration/leg/traffic.ts';
import { gate } from '../../migration/plans/transport.ts';
import { closePostgres, connectPostgres, type Database } from '../../runtime/postgres.ts';
import type { Owner } from '../harness/owner.ts';
import { testDatabase } from '../harness/postgres.ts';
import { openAlone, playService } from '../rigs/oneStep.ts';

const template = { name: 'link', fill: (url: string) => applyExpand(url, ['link']) };
const step = gate('1', 'Watch', { name: 'watch', measures: [noNewDeadLetters] });

async function die(sql: Database, count: number): Promise<void> {
  for (let i = 0; i < count; i += 1)
    await sql`
      insert into relink.dead_letters (id, event_id, link, lane, epoch, event, event_version, key,
        version, reason, detail, attempts, body, headers)
      values (${randomUUIDv7()}, ${randomUUIDv7()}, 'COMM-010', 1, 1, 'ManagerUpdated', 0, 'key', 1,
        'HANDLER_FAILED', 'made by the test', 5, '{}', '{}')`;
}

/** A consumer's real dead letters, and the gate that watches them. */
async function open(t: Owner) {
  const { url } = await testDatabase(t, template);
  const hiring = connectPostgres(url, { name: 'dead-letters' });
  t.after(() => closePostgres(hiring));
  const options = { sql: hiring, service: 'hiring', consumed: [], handlers: {} };
  const services = { hiring: [await playService(t, deadLetterHandlers(options))] };
  const alone = await openAlone(t, { step, consumers: ['hiring'], services });
  const begin = async () => {
    const context = await alone.enter();
    await context.record({ run: { memory: { newestDead: await newestDeadIds(context) } } });
    return context;
  };
  return { hiring, begin };
}

describe('no new dead letters', () => {
  it('fails by a new one although old ones were handled meanwhile', async (t) => {
    const { hiring, begin } = await open(t);
    await die(hiring, 3);
    const context = await begin();
    await hiring`update relink.dead_letters set state = 'discarded', ended_at = now()`;
    const [before] = await noNewDeadLetters.read(context);
    assert.deepEqual([before?.verdict, before?.value], ['pass', '0']);
    await die(hiring, 2);
    const [after] = await noNewDeadLetters.read(context);
    assert.deepEqual([after?.verdict, after?.value], ['fail', '2']);
  });

  it('passes beside any number of old ones', async (t) => {
    const { hiring, begin } = await open(t);
    await die(hiring, 3);
    const [reading] = await noNewDeadLetters.read(await begin());
    assert.deepEqual([reading?.verdict, reading?.value], ['pass', '0']);
  });

  it('fails by the first one there ever was', async (t) => {
    const { hiring, begin } = await open(t);
    const context = await begin();
    await die(hiring, 1);
    const [reading] = await noNewDeadLetters.read(context);
    assert.deepEqual([reading?.verdict, reading?.value], ['fail', '1']);
  });
});
