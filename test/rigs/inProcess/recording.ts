/** Records what consumers applied, in order and in the transaction of the effect, for the oracle. */
import type { ApplyEvent, Handler } from '../../../link/inbox/handler.ts';
import type { Database } from '../../../runtime/postgres.ts';
import type { LinkFixture, StateTable } from '../fixtures/fixture.ts';

export async function prepareRecording(
  sql: Database,
  fixture: LinkFixture,
  consumer: string,
): Promise<void> {
  if (fixture.kind === 'formal') return recordEffects(sql, fixture.replicas[consumer]!);
  await createApplied(sql);
}

async function createApplied(sql: Database): Promise<void> {
  await sql.unsafe(`create table if not exists applied
    (seq int8 generated always as identity, link text, key text, version int8)`);
}

/** Records every effect on the replica in the order of its row lock; two links may share one. */
async function recordEffects(sql: Database, replica: StateTable): Promise<void> {
  await sql.unsafe(`
    create table if not exists effects
      (seq int8 generated always as identity, key text, before int8, after int8);
    create or replace function record_${replica.table}() returns trigger language plpgsql as $$ begin
      insert into effects (key, before, after) values (new.${replica.key}::text,
        case when tg_op = 'UPDATE' then old.${replica.version} end, new.${replica.version});
      return new; end $$;
    create or replace trigger record_effect after insert or update on ${replica.table}
      for each row execute function record_${replica.table}()`);
}

/** The handler, which also writes down every business event that it applied. */
export function recording(handler: Handler, link: string): Handler {
  if (handler.kind === 'formal') return handler;
  const apply: ApplyEvent = async (tx, event) => {
    await tx`insert into applied (link, key, version)
      values (${link}, ${event.key}, ${event.version})`;
    return handler.apply(tx, event);
  };
  return { ...handler, apply };
}
