/**
 * The signed closing statement of one leg and epoch: what was sent is what was applied. The
 * statement is canonical JSON (keys sorted, no spaces), signed with Ed25519; anyone
 * with the public key can check it offline.
 */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomUUIDv7,
  sign as signBytes,
  verify as verifyBytes,
} from 'node:crypto';
import type { Database } from '../runtime/postgres.ts';

/** Grows when the shape of a statement changes. */
const FORMAT = 1;

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

export interface ClosingStatement {
  readonly run: string;
  readonly link: string;
  readonly producer: string;
  readonly consumer: string;
  readonly epoch: number;
  readonly route: string;
  readonly count: number;
  readonly lanes: readonly ClosedLane[];
}

export interface CertificateStore {
  /** The epochs of a leg that have a certificate. */
  certified(link: string, consumer: string): Promise<ReadonlySet<number>>;
  /** Signs and keeps an equal closing statement; a second one for the same epoch is not kept. */
  sign(statement: ClosingStatement): Promise<void>;
}

export interface Certificate {
  readonly id: string;
  readonly run: string;
  readonly link: string;
  readonly consumer: string;
  readonly epoch: number;
  readonly count: number;
  readonly statement: string;
  /** Base64. */
  readonly signature: string;
  /** Base64 of the key's DER (SPKI). */
  readonly publicKey: string;
  readonly signedAt: string;
}

export interface SigningKey {
  readonly privateKey: string;
  readonly publicKey: string;
}

/** JSON with sorted keys and without spaces: one text for one value. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, field]) => `${JSON.stringify(name)}:${canonicalJson(field)}`);
  return `{${fields.join(',')}}`;
}

export function isEqual({ lanes, count }: ClosingStatement): boolean {
  const total = lanes.reduce((sum, { closed }) => sum + closed.count, 0);
  return (
    total === count &&
    lanes.every(({ closed, inbox }) => closed.count === inbox.count && closed.sum === inbox.sum)
  );
}

export type CertificateCheck =
  | { readonly isValid: true; readonly statement: ClosingStatement & { signed_at: string } }
  | { readonly isValid: false; readonly problem: string };

/**
 * Checks an exported certificate (its JSON text) offline: form, signature, and that both sides are
 * equal in it. With `pinnedKey` (base64) also that this key signed it; without one the result only
 * says that it has not changed since it was signed.
 */
export function checkCertificate(json: string, pinnedKey?: string): CertificateCheck {
  const fail = (problem: string) => ({ isValid: false, problem }) as const;
  let exported: Record<string, unknown>;
  try {
    exported = JSON.parse(json) as Record<string, unknown>;
  } catch {
    return fail('the file is not JSON');
  }
  const { statement, signature } = exported;
  const publicKey = exported.public_key ?? exported.publicKey;
  if (![statement, signature, publicKey].every((field) => typeof field === 'string'))
    return fail('statement, signature or public_key is missing');
  if (pinnedKey !== undefined && pinnedKey !== publicKey) return fail('another key signed it');
  if (!isSignedBy(publicKey as string, statement as string, signature as string))
    return fail('the signature does not match the statement');
  return checkStatement(exported, statement as string);
}

function isSignedBy(publicKey: string, statement: string, signature: string): boolean {
  try {
    const key = createPublicKey({
      key: Buffer.from(publicKey, 'base64'),
      format: 'der',
      type: 'spki',
    });
    return verifyBytes(null, Buffer.from(statement), key, Buffer.from(signature, 'base64'));
  } catch {
    return false;
  }
}

function checkStatement(outside: Record<string, unknown>, text: string): CertificateCheck {
  const statement = JSON.parse(text) as ClosingStatement & { format: number; signed_at: string };
  // People also read the fields beside the signed text: they must agree with it.
  for (const field of ['link', 'consumer', 'epoch', 'count'] as const)
    if (field in outside && String(outside[field]) !== String(statement[field]))
      return {
        isValid: false,
        problem: `${field} beside the statement differs from the signed one`,
      };
  if (statement.format !== FORMAT)
    return {
      isValid: false,
      problem: `statement format ${statement.format} is unknown to this release`,
    };
  if (!isEqual(statement)) return { isValid: false, problem: 'its two sides are not equal' };
  return { isValid: true, statement };
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

  async sign(closing: ClosingStatement): Promise<void> {
    const key = await this.key();
    const statement = canonicalJson({
      ...closing,
      format: FORMAT,
      signer: this.#signer,
      signed_at: new Date().toISOString(),
    });
    const signature = signBytes(null, Buffer.from(statement), createPrivateKey(key.privateKey));
    await this.#sql`
      insert into migration.certificates
        (id, run_id, link, consumer, epoch, count, statement, signature, public_key)
      values (${randomUUIDv7()}, ${closing.run}, ${closing.link}, ${closing.consumer},
        ${closing.epoch}, ${closing.count}, ${statement}, ${signature.toString('base64')},
        ${derOf(key)})
      on conflict on constraint certificates_one_per_epoch do nothing`;
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
    this.#key ??= this.#readKey().catch((error) => {
      this.#key = undefined;
      throw error;
    });
    return this.#key;
  }

  async #readKey(): Promise<SigningKey> {
    const made = generateKeyPairSync('ed25519', {
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    });
    await this.#sql`insert into migration.signing_keys (id, private_key, public_key)
      values (1, ${made.privateKey}, ${made.publicKey}) on conflict do nothing`;
    const [row] = await this.#sql<{ private_key: string; public_key: string }[]>`
      select private_key, public_key from migration.signing_keys`;
    return { privateKey: row!.private_key, publicKey: row!.public_key };
  }
}

function derOf(key: SigningKey): string {
  return createPublicKey(key.publicKey).export({ format: 'der', type: 'spki' }).toString('base64');
}

interface CertificateRow {
  id: string;
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
    run: row.run_id,
    link: row.link,
    consumer: row.consumer,
    epoch: Number(row.epoch),
    count: Number(row.count),
    statement: row.statement,
    signature: row.signature,
    publicKey: row.public_key,
    signedAt: row.signed_at.toISOString(),
  };
}
