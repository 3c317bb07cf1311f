/** Rows of the journal's tables, and the records they become. */

import type { Transport } from '../../link/link.ts';
import { type Settings, withDefaults } from '../settings.ts';
import type {
  EvidenceRecord,
  JsonObject,
  MovedLink,
  RunRecord,
  StepRecord,
  Waiting,
} from './record.ts';

export interface RunRow {
  id: string;
  plan: string;
  link: string;
  consumer: string;
  consumers: string[];
  producer: string;
  from_transport: Transport;
  from_version: number;
  to_transport: Transport;
  to_version: number;
  others: MovedLink[];
  way_back: 'keep' | 'none';
  step_by_step: boolean;
  hold: boolean;
  settings: Partial<Settings>;
  actor: string;
  state: RunRecord['state'];
  direction: RunRecord['direction'];
  ends_as: RunRecord['endsAs'];
  problem: string;
  waiting: Waiting | null;
  memory: JsonObject;
  revision: bigint;
  started_at: Date;
  ended_at: Date | null;
}

export function runFrom(row: RunRow): RunRecord {
  return {
    id: row.id,
    plan: row.plan,
    link: row.link,
    consumer: row.consumer,
    consumers: row.consumers,
    producer: row.producer,
    from: { transport: row.from_transport, version: row.from_version },
    to: { transport: row.to_transport, version: row.to_version },
    others: row.others,
    wayBack: row.way_back,
    isStepByStep: row.step_by_step,
    isHeld: row.hold,
    settings: withDefaults(row.settings),
    actor: row.actor,
    state: row.state,
    direction: row.direction,
    endsAs: row.ends_as,
    problem: row.problem,
    waiting: row.waiting,
    memory: row.memory,
    revision: row.revision,
    startedAt: row.started_at.toISOString(),
    endedAt: row.ended_at?.toISOString() ?? null,
  };
}

export interface StepRow {
  position: number;
  name: string;
  title: string;
  number: string;
  kind: StepRecord['kind'];
  undo: string;
  state: StepRecord['state'];
  checkpoint: JsonObject;
  done: bigint;
  total: bigint;
  started_at: Date | null;
  ended_at: Date | null;
}

export function stepFrom(row: StepRow): StepRecord {
  return {
    position: row.position,
    name: row.name,
    title: row.title,
    number: row.number,
    kind: row.kind,
    undo: row.undo,
    state: row.state,
    checkpoint: row.checkpoint,
    done: Number(row.done),
    total: Number(row.total),
    startedAt: row.started_at?.toISOString() ?? null,
    endedAt: row.ended_at?.toISOString() ?? null,
  };
}

export interface EvidenceRow {
  position: number;
  what: string;
  verdict: EvidenceRecord['verdict'];
  value: string;
  threshold: string;
  at: Date;
}

export interface KeptEvidence extends EvidenceRecord {
  readonly at: string;
}

export function evidenceFrom(row: EvidenceRow): KeptEvidence {
  const { position, what, verdict, value, threshold } = row;
  return { position, what, verdict, value, threshold, at: row.at.toISOString() };
}
