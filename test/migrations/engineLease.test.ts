/** Which engine acts, when several could. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Certificates } from '../../migration/certificate.ts';
import { Engine } from '../../migration/engine/engine.ts';
import { Participants } from '../../migration/participants.ts';
import { Journal } from '../../migration/run/journal.ts';
import { silentLog } from '../../runtime/log.ts';
import type { Database } from '../../runtime/postgres.ts';
import { until } from '../harness/until.ts';
import { noStreams, operatorDatabase } from '../rigs/oneStep.ts';

function startEngine(sql: Database, instance: string): Engine {
  const engine = new Engine({
    sql,
    instance,
    log: silentLog,
    journal: new Journal(sql),
    participants: new Participants({}),
    streams: noStreams,
    certificates: new Certificates(sql, instance),
    leaseMs: 2_000,
  });
  engine.start();
  return engine;
}

async function renewals(sql: Database): Promise<number> {
  const [row] = await sql<{ renewals: number }[]>`
    select count(distinct expires_at)::int as renewals from seen_leases`;
  return row!.renewals;
}

/** Keeps every value that the lease has from now on. */
async function keepLeases(sql: Database): Promise<void> {
  await sql.unsafe(`
    create table seen_leases (owner text, term bigint, expires_at timestamptz);
    create function see_lease() returns trigger language plpgsql as $$ begin
      insert into seen_leases values (new.owner, new.term, new.expires_at); return new; end $$;
    create trigger see after insert or update on migration.leases
      for each row execute function see_lease();`);
}

describe('engines of the same name', () => {
  it('act one at a time, each under terms of its own', async (t) => {
    const engines: Engine[] = [];
    // Before the database is given back.
    t.after(async () => {
      for (const engine of engines) await engine.stop();
    });
    const sql = await operatorDatabase(t);
    await keepLeases(sql);
    engines.push(startEngine(sql, 'operator'), startEngine(sql, 'operator'));
    await until(() => engines.some(({ isActing }) => isActing), { what: 'one acts' });
    await until(async () => (await renewals(sql)) > 4, { what: 'the lease was renewed' });
    assert.equal(engines.filter(({ isActing }) => isActing).length, 1);
    const [first, second] = engines.toSorted((a, b) => Number(b.isActing) - Number(a.isActing));
    await first!.stop();
    await until(() => second!.isActing, { what: 'the other one acts' });
    const terms = await sql<{ owners: number }[]>`
      select count(distinct owner)::int as owners from seen_leases where owner is not null
      group by term`;
    assert.deepEqual([...new Set(terms.map(({ owners }) => owners))], [1]);
  });
});
