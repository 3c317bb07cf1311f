/**
 * Signed statements: canonical JSON (keys sorted, no spaces), signed with Ed25519, so that anyone with
 * the public key can check one offline.
 */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign as signBytes,
  verify as verifyBytes,
} from 'node:crypto';
import type { Database } from '../runtime/postgres.ts';

export interface SigningKey {
  readonly privateKey: string;
  readonly publicKey: string;
}

export interface SignedStatement {
  readonly statement: string;
  /** Base64. */
  readonly signature: string;
  /** Base64 of the key's DER (SPKI). */
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

export function signStatement(key: SigningKey, content: object): SignedStatement {
  const statement = canonicalJson(content);
  const signature = signBytes(null, Buffer.from(statement), createPrivateKey(key.privateKey));
  return { statement, signature: signature.toString('base64'), publicKey: derOf(key) };
}

export function isSignedBy(publicKey: string, statement: string, signature: string): boolean {
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

function derOf(key: SigningKey): string {
  return createPublicKey(key.publicKey).export({ format: 'der', type: 'spki' }).toString('base64');
}

/** The operator's key. Created when there is none; the first process to create it wins. */
export async function readSigningKey(sql: Database): Promise<SigningKey> {
  const made = generateKeyPairSync('ed25519', {
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  await sql`insert into migration.signing_keys (id, private_key, public_key)
    values (1, ${made.privateKey}, ${made.publicKey}) on conflict do nothing`;
  const [row] = await sql<{ private_key: string; public_key: string }[]>`
    select private_key, public_key from migration.signing_keys`;
  return { privateKey: row!.private_key, publicKey: row!.public_key };
}
