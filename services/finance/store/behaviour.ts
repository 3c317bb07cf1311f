/** How finance is told to behave, in PostgreSQL, so that all its processes do. */
import type { Database } from 'relink';
import { type Behaviour, WELL } from '../domain/behaviour.ts';

export async function readBehaviour(sql: Database): Promise<Behaviour> {
  const [row] = await sql<Behaviour[]>`
    select fail_percent as "failPercent", delay_ms as "delayMs",
      time_out_percent as "timeOutPercent"
    from behaviour`;
  return row ? { ...row } : WELL;
}

export async function saveBehaviour(sql: Database, behaviour: Behaviour): Promise<void> {
  const { failPercent, delayMs, timeOutPercent } = behaviour;
  await sql`
    insert into behaviour (fail_percent, delay_ms, time_out_percent)
    values (${failPercent}, ${delayMs}, ${timeOutPercent})
    on conflict (id) do update set fail_percent = excluded.fail_percent,
      delay_ms = excluded.delay_ms, time_out_percent = excluded.time_out_percent`;
}
