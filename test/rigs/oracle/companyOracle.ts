/** The oracle over every link of the company, when callers lived the business through its APIs. */

import { until } from '../../harness/until.ts';
import type { LinkFixture } from '../fixtures/fixture.ts';
import { fixtureOf } from '../fixtures/fixtureOf.ts';
import type { InProcessCompany } from '../inProcess/company.ts';
import { oracle } from './linkOracle.ts';

const CLOSED_LIMIT_MS = 120_000;

/**
 * What is otherwise than when the test writes to one link: two links tell states of an assessment,
 * ratings move while bonuses are computed, and what a handler enqueues is delivered as well.
 */
const otherwise: Readonly<Record<string, Partial<LinkFixture>>> = {
  'COMM-020': { intents: 'select id::text as key, 1::int8 as version from assessments' },
  'COMM-021': {
    intents: `select id::text as key, v as version from assessments
      cross join lateral generate_series(2, version) v`,
  },
  'COMM-040': {
    intents: `select id::text as key, v::int8 as version from solutions
      cross join lateral generate_series(1, case state when 'revoked' then 2 else 1 end) v
      where state <> 'rejected'`,
    intended: `select concat_ws(' ', kind, id, author_id, assessment_id) as effect from solutions
      cross join (values ('credit', 'accepted'), ('credit', 'revoked'), ('debit', 'revoked'))
        booked (kind, as_state) where state = as_state`,
    effects: {
      bonuses: `select concat_ws(' ', kind, solution_id, manager_id, assessment_id) as effect
        from bookings`,
    },
    contradictions: {
      bonuses: `
        select 'not what was credited before: ' || d.solution_id as problem from bookings d
        where d.kind = 'debit' and not exists (select from bookings c
          where c.solution_id = d.solution_id and c.kind = 'credit' and c.seq < d.seq
            and c.amount_minor = d.amount_minor)
        union all select 'the ledger sums to ' || sum(amount_minor) from ledger_entries
        having sum(amount_minor) <> 0`,
    },
  },
  'COMM-050': { contradictions: { assessments: nothing() } },
  'COMM-070': { contradictions: { hiring: nothing() } },
};

function nothing(): string {
  return `select '' as problem where false`;
}

export async function companyOracle(company: InProcessCompany): Promise<void> {
  // What a handler enqueued is open before what it handled is closed: twice, for a chain of links.
  for (let i = 0; i < 2; i += 1) await untilClosed(company);
  for (const link of Object.values(company.links)) {
    const consumers = Object.keys(link.consumers);
    await oracle({
      link,
      fixture: { ...fixtureOf(link.id), ...otherwise[link.id] } as LinkFixture,
      producer: company.sqlOf.get(link.producer)!,
      consumers: Object.fromEntries(consumers.map((name) => [name, company.sqlOf.get(name)!])),
      unrecorded: consumers,
    });
  }
}

async function untilClosed(company: InProcessCompany): Promise<void> {
  await until(
    async () => {
      const all = [...company.sqlOf.values()].map(
        (sql) => sql<{ leg: string; open: number }[]>`
          select leg, count(*)::int as open from relink.outbox group by leg`,
      );
      const open = (await Promise.all(all)).flat();
      if (open.length === 0) return true;
      throw new Error(open.map((row) => `${row.leg}: ${row.open}`).join(', '));
    },
    { withinMs: CLOSED_LIMIT_MS, what: 'no outbox row of any link is open', everyMs: 50 },
  );
}
