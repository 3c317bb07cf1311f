/**
 * Certificates: signed statements that anyone can check offline. A closing statement is of one leg and
 * epoch: what was sent is what was applied. An erasure statement is of a link: what a contract version
 * took from its consumers is nowhere left.
 */
import { randomUUIDv7 } from 'node:crypto';
import type { Database } from '../runtime/postgres.ts';
import { type ErasureStatement, isNothingLeft } from './erasure.ts';
import { readSigningKey, type SigningKey, signStatement } from './signing.ts';

/** Grows when the shape of a statement changes. */
const FORMAT = 1;
/** Of a closing statement with exceptions: who knows only the other would take it for one without. */
const FORMAT_WITH_EXCEPTIONS = 2;
/** Of one whose sides differ: who does not know that must not take it for an equal one. */
const FORMAT_WITH_ACCEPTED = 3;

/** One lane: count and exact sum of the message hashes, equal on both sides. */
export interface ClosedLane {
  readonly lane: number;
  readonly closed: { readonly count: number; readonly sum: string };
  readonly inbox: { readonly count: number; readonly sum: string };
  readonly outcomes: {
    readonly applied: number;
    readonly superseded: number;
    readonly dead: number;
    readonly parked: number;
  };
}

export interface NamedException {
  readonly event_id: string;
  readonly lane: number;
  readonly outcome: string;
}

/** Messages that were settled and not applied, and that no later message made needless. */
export interface Exceptions {
  /** Discarded dead letters. */
  readonly dead: number;
  /** Functional links only: on formal ones a newer state took their place. */
  readonly superseded: number;
  /** Some of them. */
  readonly messages: readonly NamedException[];
}

/** What differs for ever, because a database went back in time, and who took it for decided. */
export interface AcceptedDifference {
  /** A person, or `parity`: the rows of both sides are equal. */
  readonly by: string;
  readonly reason: string;
  readonly lanes: readonly number[];
  /** Some of the messages, as far as they are known. */
  readonly messages: readonly NamedException[];
}

export interface ClosingStatement {
  readonly run: string;
  readonly link: string;
  readonly producer: string;
  readonly consumer: string;
  readonly epoch: number;
  readonly route: string;
  readonly count: number;
  readonly lanes: readonly ClosedLane[];
  readonly exceptions?: Exceptions;
  readonly accepted?: AcceptedDifference;
}

export interface CertificateStore {
  /** The epochs of a leg that have a certificate. */
  certified(link: string, consumer: string): Promise<ReadonlySet<number>>;
  /** Signs and keeps an equal closing statement; a second one for the same epoch is not kept. */
  sign(statement: ClosingStatement): Promise<void>;
  /** The same for an erasure, under the epoch from which on nothing was sent in an older version. */
  signErasure(statement: ErasureStatement): Promise<void>;
}

/** Closing statements have none in their text: they are older than the other kind. */
export type CertificateKind = 'closing' | 'erasure';

export interface Certificate {
  readonly id: string;
  readonly kind: CertificateKind;
  readonly run: string;
  readonly link: string;
  /** Empty for an erasure, which is of every service. */
  readonly consumer: string;
  readonly epoch: number;
  /** Messages; of an erasure, entities whose fields were looked for. */
  readonly count: number;
  readonly statement: string;
  /** Base64. */
  readonly signature: string;
  /** Base64 of the key's DER (SPKI). */
  readonly publicKey: string;
  readonly signedAt: string;
}

/** Equal on every lane, but on those that it names as accepted, which differ. */
export function isSound({ lanes, count, accepted }: ClosingStatement): boolean {
  const total = lanes.reduce((sum, { closed }) => sum + closed.count, 0);
  const excepted = new Set(accepted?.lanes);
  return (
    total === count &&
    lanes.every((lane) => isLaneEqual(lane) !== excepted.has(lane.lane) && isAllSettled(lane)) &&
    [...excepted].every((lane) => lanes.some((one) => one.lane === lane))
  );
}

export function isLaneEqual({ closed, inbox }: ClosedLane): boolean {
  return closed.count === inbox.count && closed.sum === inbox.sum;
}

/** A parked message is in the inbox and had no effect. */
export function isAllSettled({ inbox, outcomes }: ClosedLane): boolean {
  return outcomes.applied + outcomes.superseded + outcomes.dead === inbox.count;
}

/** How many messages a closing statement says were not applied, or one side does not know. */
export function exceptionsIn({ exceptions, accepted, lanes }: ClosingStatement): number {
  const differing = lanes.filter(({ lane }) => accepted?.lanes.includes(lane));
  const sizes = differing.map(({ closed, inbox }) => Math.abs(closed.count - inbox.count) || 1);
  const notApplied = exceptions ? exceptions.dead + exceptions.superseded : 0;
  return sizes.reduce((sum, one) => sum + one, notApplied);
}

/** Who knows only an older format must not take it for what that one says. */
export function formatOf(statement: ClosingStatement | ErasureStatement): number {
  if ('accepted' in statement) return FORMAT_WITH_ACCEPTED;
  return 'exceptions' in statement ? FORMAT_WITH_EXCEPTIONS : FORMAT;
}

/** The operator's certificates and its key, in its database. */
export class Certificates implements CertificateStore {
  readonly #sql: Database;
  readonly #signer: string;
  #key: Promise<SigningKey> | undefined;

  /** `signer`: who is named in the statements, for example the operator's instance. */
  constructor(sql: Database, signer: string) {
    this.#sql = sql;
    this.#signer = signer;
  }

  async certified(link: string, consumer: string): Promise<ReadonlySet<number>> {
    const rows = await this.#sql<{ epoch: bigint }[]>`
      select epoch from migration.certificates where link = ${link} and consumer = ${consumer}`;
    return new Set(rows.map(({ epoch }) => Number(epoch)));
  }

  sign(closing: ClosingStatement): Promise<void> {
    return this.#sign('closing', closing, 0);
  }

  async signErasure(erasure: ErasureStatement, round = 0): Promise<void> {
    if (!isNothingLeft(erasure))
      throw new RangeError('an erasure that left something is not signed');
    await this.#sign('erasure', erasure, round);
  }

  /** Beside those of before: the newest says the same of a later moment. */
  async signErasureAgain(erasure: ErasureStatement): Promise<Certificate> {
    const { link, consumer, epoch } = erasure;
    const [last] = await this.#sql<{ round: number }[]>`
      select coalesce(max(round), -1) as round from migration.certificates
      where link = ${link} and consumer = ${consumer} and epoch = ${epoch}`;
    const round = last!.round + 1;
    await this.signErasure(erasure, round);
    const [row] = await this.#sql<CertificateRow[]>`
      select * from migration.certificates
      where link = ${link} and consumer = ${consumer} and epoch = ${epoch} and round = ${round}`;
    return certificateFrom(row!);
  }

  async #sign(
    kind: CertificateKind,
    of: ClosingStatement | ErasureStatement,
    round: number,
  ): Promise<void> {
    const id = randomUUIDv7();
    const { statement, signature, publicKey } = signStatement(await this.key(), {
      ...of,
      id,
      format: formatOf(of),
      signer: this.#signer,
      signed_at: new Date().toISOString(),
    });
    await this.#sql`
      insert into migration.certificates
        (id, kind, run_id, link, consumer, epoch, round, count, statement, signature, public_key)
      values (${id}, ${kind}, ${of.run}, ${of.link}, ${of.consumer}, ${of.epoch},
        ${round}, ${of.count}, ${statement}, ${signature}, ${publicKey})
      on conflict on constraint certificates_one_per_epoch do nothing`;
  }

  /** Of the version that took fields last. */
  async newestErasure(link: string): Promise<Certificate | undefined> {
    const [row] = await this.#sql<CertificateRow[]>`
      select * from migration.certificates where link = ${link} and kind = 'erasure'
      order by signed_at desc, id desc limit 1`;
    return row && certificateFrom(row);
  }

  /** Newest first; after a certificate those that are older than it. */
  async list(wanted: {
    link?: string;
    run?: string;
    after?: string;
    limit: number;
  }): Promise<Certificate[]> {
    const { link = '', run = '', after = '', limit } = wanted;
    const rows = await this.#sql<CertificateRow[]>`
      select * from migration.certificates
      where ${link} in ('', link) and ${run} in ('', run_id::text)
        and (${after} = '' or (signed_at, id) <
          (select signed_at, id from migration.certificates where id::text = ${after}))
      order by signed_at desc, id desc limit ${limit}`;
    return rows.map(certificateFrom);
  }

  async read(id: string): Promise<Certificate | undefined> {
    const [row] = await this.#sql<CertificateRow[]>`
      select * from migration.certificates where id::text = ${id}`;
    return row && certificateFrom(row);
  }

  /** The signing key. Created when there is none; the first process to create it wins. */
  key(): Promise<SigningKey> {
    this.#key ??= readSigningKey(this.#sql).catch((error) => {
      this.#key = undefined;
      throw error;
    });
    return this.#key;
  }
}

interface CertificateRow {
  id: string;
  kind: CertificateKind;
  run_id: string;
  link: string;
  consumer: string;
  epoch: bigint;
  count: bigint;
  statement: string;
  signature: string;
  public_key: string;
  signed_at: Date;
}

function certificateFrom(row: CertificateRow): Certificate {
  return {
    id: row.id,
    kind: row.kind,
    run: row.run_id,
    link: row.link,
    consumer: row.consumer,
    epoch: Number(row.epoch),
    count: Number(row.count),
    statement: row.statement,
    signature: row.signature,
    publicKey: row.public_key,
    // The column is when it was stored, by the clock of the database.
    signedAt: JSON.parse(row.statement).signed_at ?? row.signed_at.toISOString(),
  };
}
