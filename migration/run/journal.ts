/**
 * What runs did and know, in PostgreSQL. Every transition is one transaction: the run by
 * compare-and-set on its revision, its steps, its evidence. What the engine writes is also
 * conditional on the fencing term of its lease, so that an engine that was frozen records nothing when
 * it wakes up.
 */

import { randomUUIDv7 } from 'node:crypto';
import { isUuid } from '../../link/inbox/delivery.ts';
import { declareFailpoints, failpoint } from '../../runtime/failpoints.ts';
import { brokenConstraint, type Database, type Transaction } from '../../runtime/postgres.ts';
import type { HeldLease } from '../engine/lease.ts';
import { MigrationError } from '../errors.ts';
import { type PlanStep, recordedKind } from '../plan.ts';
import {
  type EvidenceRow,
  evidenceFrom,
  type KeptEvidence,
  type RunRow,
  runFrom,
  type StepRow,
  stepFrom,
} from './journalRows.ts';
import type { Change } from './life.ts';
import { linksOf } from './links.ts';
import type { RunRecord, RunWithSteps, StepRecord } from './record.ts';

declareFailpoints('journal.before-commit', 'journal.after-commit');

export type NewRun = Omit<
  RunRecord,
  | 'id'
  | 'state'
  | 'direction'
  | 'endsAs'
  | 'problem'
  | 'waiting'
  | 'memory'
  | 'revision'
  | 'startedAt'
  | 'endedAt'
>;

export class Journal {
  readonly #sql: Database;

  constructor(sql: Database) {
    this.#sql = sql;
  }

  /**
   * Creates a planned run, which holds its legs from now on.
   * @throws MigrationError LINK_BUSY another live run holds one of them
   */
  async create(run: NewRun, plan: readonly PlanStep[]): Promise<RunWithSteps> {
    const id = randomUUIDv7();
    try {
      await this.#sql.begin(async (tx) => {
        await insertRun(tx, id, run);
        await insertSteps(tx, id, plan);
        for (const { link, consumers } of linksOf(run))
          await tx`insert into migration.run_legs (run_id, link, consumer)
            select ${id}, ${link}, unnest(${consumers as string[]}::text[])`;
      });
    } catch (error) {
      if (brokenConstraint(error) === 'run_legs_one_live_run') throw await this.#busy(run, error);
      throw error;
    }
    return (await this.read(id))!;
  }

  async #busy(run: NewRun, cause: unknown): Promise<MigrationError> {
    const [holder] = await this.#sql<{ run_id: string; link: string; consumer: string }[]>`
      select run_id, link, consumer from migration.run_legs
      where is_live and link || '/' || consumer = any(${legsOf(run)})`;
    const who = holder
      ? `run ${holder.run_id} holds ${holder.link}/${holder.consumer}`
      : 'it has just ended';
    return new MigrationError(
      'LINK_BUSY',
      `another run holds the link: ${who}; see relink status ${holder?.run_id ?? ''}`.trim(),
      { cause },
    );
  }

  async read(id: string): Promise<RunWithSteps | undefined> {
    if (!isUuid(id.toLowerCase())) return undefined;
    // One snapshot: a run with the steps of another transition is a state that never existed.
    return this.#sql.begin('isolation level repeatable read read only', async (tx) => {
      const [row] = await tx<RunRow[]>`select * from migration.runs where id = ${id}`;
      const steps = await tx<StepRow[]>`
        select * from migration.steps where run_id = ${id} order by position`;
      return row && { run: runFrom(row), steps: steps.map(stepFrom) };
    });
  }

  /** Newest first; after a run those that are older than it. */
  async list(wanted: { link?: string; after?: string; limit: number }): Promise<RunRecord[]> {
    const { link = '', after = '', limit } = wanted;
    const rows = await this.#sql<RunRow[]>`
      select * from migration.runs where (${link} in ('', link)
          or id in (select run_id from migration.run_legs legs where legs.link = ${link}))
        and (${after} = '' or (started_at, id) <
          (select started_at, id from migration.runs where id::text = ${after}))
      order by started_at desc, id desc limit ${limit}`;
    return rows.map(runFrom);
  }

  async live(): Promise<RunRecord[]> {
    const rows = await this.#sql<RunRow[]>`
      select * from migration.runs where is_live order by started_at`;
    return rows.map(runFrom);
  }

  /** Completed runs of formal links to a newer contract version: nothing older is carried any more. */
  async versionMoves(): Promise<RunRecord[]> {
    const rows = await this.#sql<RunRow[]>`
      select * from migration.runs where state = 'completed' and to_version > from_version
        and plan like 'formal-%' order by started_at`;
    return rows.map(runFrom);
  }

  async evidence(id: string): Promise<KeptEvidence[]> {
    const rows = await this.#sql<EvidenceRow[]>`
      select position, what, verdict, value, threshold, at from migration.evidence
      where run_id = ${id} order by position, at, what`;
    return rows.map(evidenceFrom);
  }

  /** The run's revision, which every transition changes; undefined when there is no such run. */
  async revision(id: string): Promise<bigint | undefined> {
    const [row] = await this.#sql<{ revision: bigint }[]>`
      select revision from migration.runs where id = ${id}`;
    return row?.revision;
  }

  /**
   * Records one transition and returns the run after it. The engine names its lease; an order of a
   * person has none and is checked against the revision alone.
   * @throws MigrationError RUN_CHANGED another transition came first; LEASE_LOST
   */
  async record(current: RunWithSteps, change: Change, lease?: HeldLease): Promise<RunWithSteps> {
    const run = { ...current.run, ...change.run, revision: current.run.revision + 1n };
    const patches = new Map(change.steps?.map(({ position, patch }) => [position, patch]));
    const steps = current.steps.map((step) => ({ ...step, ...patches.get(step.position) }));
    await this.#sql.begin(async (tx) => {
      if (lease) await refuseWithoutLease(tx, lease);
      await updateRun(tx, run);
      for (const step of steps) if (patches.has(step.position)) await updateStep(tx, run.id, step);
      for (const one of change.evidence ?? [])
        await tx`
          insert into migration.evidence (run_id, position, what, verdict, value, threshold)
          values (${run.id}, ${one.position}, ${one.what}, ${one.verdict}, ${one.value},
            ${one.threshold})
          on conflict (run_id, position, what) do update set verdict = excluded.verdict,
            value = excluded.value, threshold = excluded.threshold, at = clock_timestamp()`;
      await failpoint('journal.before-commit');
    });
    await failpoint('journal.after-commit');
    return { run, steps };
  }
}

function legsOf(run: NewRun): string[] {
  return linksOf(run).flatMap(({ link, consumers }) => consumers.map((one) => `${link}/${one}`));
}

async function refuseWithoutLease(tx: Transaction, lease: HeldLease): Promise<void> {
  const rows = await tx`
    select from migration.leases where name = ${lease.name} and owner = ${lease.owner}
      and term = ${lease.term} for share`;
  if (rows.length === 0)
    throw new MigrationError('LEASE_LOST', `engine ${lease.owner} no longer holds the lease`);
}

async function updateRun(tx: Transaction, run: RunRecord): Promise<void> {
  const rows = await tx`
    update migration.runs set state = ${run.state}, direction = ${run.direction},
      ends_as = ${run.endsAs}, problem = ${run.problem},
      waiting = ${run.waiting && JSON.stringify(run.waiting)}::text::jsonb,
      memory = ${JSON.stringify(run.memory)}::text::jsonb, ended_at = ${run.endedAt},
      revision = ${run.revision}
    where id = ${run.id} and revision = ${run.revision - 1n} returning id`;
  if (rows.length === 0)
    throw new MigrationError('RUN_CHANGED', `run ${run.id} has changed since it was read`);
}

async function updateStep(tx: Transaction, runId: string, step: StepRecord): Promise<void> {
  await tx`
    update migration.steps set state = ${step.state},
      checkpoint = ${JSON.stringify(step.checkpoint)}::text::jsonb, done = ${step.done},
      total = ${step.total}, started_at = ${step.startedAt}, ended_at = ${step.endedAt}
    where run_id = ${runId} and position = ${step.position}`;
}

async function insertRun(tx: Transaction, id: string, run: NewRun): Promise<void> {
  await tx`
    insert into migration.runs (id, plan, link, consumer, consumers, producer, from_transport,
      from_version, to_transport, to_version, others, way_back, step_by_step, hold, settings, actor)
    values (${id}, ${run.plan}, ${run.link}, ${run.consumer}, ${run.consumers as string[]}::text[],
      ${run.producer}, ${run.from.transport}, ${run.from.version}, ${run.to.transport},
      ${run.to.version}, ${JSON.stringify(run.others)}::text::jsonb, ${run.wayBack},
      ${run.isStepByStep}, ${run.isHeld}, ${JSON.stringify(run.settings)}::text::jsonb, ${run.actor})`;
}

async function insertSteps(tx: Transaction, id: string, plan: readonly PlanStep[]): Promise<void> {
  for (const [position, step] of plan.entries())
    await tx`
      insert into migration.steps (run_id, position, name, title, number, kind, undo)
      values (${id}, ${position}, ${step.name}, ${step.title}, ${step.number}, ${recordedKind(step)},
        ${step.undoTitle})`;
}
