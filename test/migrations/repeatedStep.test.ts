/** A step whose calls do not get through. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Certificates } from '../../migration/certificate.ts';
import { Engine } from '../../migration/engine/engine.ts';
import { Participants } from '../../migration/participants.ts';
import { planOf } from '../../migration/plans/index.ts';
import { Journal } from '../../migration/run/journal.ts';
import { statusToWire } from '../../operator/status.ts';
import { silentLog } from '../../runtime/log.ts';
import { until } from '../harness/until.ts';
import { noStreams, operatorDatabase, syncToAsync } from '../rigs/oneStep.ts';

const NOBODY = '127.0.0.1:1';

it('is what the status of its run waits for', async (t) => {
  const participants = new Participants({ assessments: [NOBODY], hiring: [NOBODY] });
  let engine: Engine | undefined;
  // Before the database is given back.
  t.after(() => engine?.stop());
  const sql = await operatorDatabase(t);
  const journal = new Journal(sql);
  const run = syncToAsync(['hiring']);
  const { id } = (await journal.create(run, planOf(run)!.steps)).run;
  engine = new Engine({
    ...{ sql, journal, participants, instance: 'operator', log: silentLog, streams: noStreams },
    certificates: new Certificates(sql, 'operator'),
  });
  engine.start();
  const waiting = (await until(async () => statusToWire((await journal.read(id))!, []).waiting, {
    what: 'it waits',
  }))!;
  assert.equal(waiting.gate, 'retry');
  assert.match(waiting.value!, /127\.0\.0\.1:1: UNAVAILABLE/);
  assert.equal(waiting.undo, `relink rollback ${id}`);
});
