/** The offline check of an exported certificate: its signature, what it says, and what stands beside. */
import {
  type CertificateKind,
  type ClosingStatement,
  exceptionsIn,
  formatOf,
  isSound,
} from './certificate.ts';
import { type ErasureStatement, isNothingLeft } from './erasure.ts';
import { isSignedBy } from './signing.ts';

type Statement = ClosingStatement | ErasureStatement;

/** As it is signed. Older ones do not name their id. */
type SignedStatement = Statement & {
  readonly format: number;
  readonly signed_at: string;
  readonly id?: string;
};

export type CertificateCheck =
  | {
      readonly isValid: true;
      readonly kind: CertificateKind;
      readonly statement: SignedStatement;
    }
  | { readonly isValid: false; readonly problem: string };

/**
 * Checks an exported certificate (its JSON text) offline: form, signature, that both sides are equal
 * in it, and that the fields beside the statement say the same. With `pinnedKey` (base64) also that
 * this key signed it; without one the result only says that it has not changed since it was signed.
 */
export function checkCertificate(json: string, pinnedKey?: string): CertificateCheck {
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
  const signed = JSON.parse(statement as string) as SignedStatement;
  const problem = findProblem(signed) ?? findContradiction(exported, signed);
  if (problem !== undefined) return fail(problem);
  return { isValid: true, kind: summaryOf(signed).kind, statement: signed };
}

function fail(problem: string): CertificateCheck {
  return { isValid: false, problem };
}

/** What a statement says, as people read it beside the signed text. */
export function summaryOf(statement: Statement): {
  kind: CertificateKind;
  equal: boolean;
  exceptions: number;
} {
  const isClosing = 'lanes' in statement;
  return {
    kind: isClosing ? 'closing' : 'erasure',
    // What differs is signed only as an accepted exception: anything else stops its run.
    equal: !('accepted' in statement),
    exceptions: isClosing ? exceptionsIn(statement) : 0,
  };
}

function findProblem(statement: SignedStatement): string | undefined {
  if (statement.format !== formatOf(statement))
    return `statement format ${statement.format} is unknown to this release`;
  if ('kind' in statement)
    return isNothingLeft(statement) ? undefined : 'it says that something is left';
  if (!isSound(statement)) return 'its two sides are not equal';
  return areExceptionsRight(statement) ? undefined : 'its exceptions are not those of its lanes';
}

/** Whether it counts as its exceptions what its lanes count, and names no others. */
function areExceptionsRight({ lanes, exceptions }: ClosingStatement): boolean {
  if (!exceptions) return true;
  const { dead, superseded, messages } = exceptions;
  const sum = (outcome: 'dead' | 'superseded') =>
    lanes.reduce((total, { outcomes }) => total + outcomes[outcome], 0);
  const isCounted = dead === sum('dead') && [0, sum('superseded')].includes(superseded);
  return isCounted && messages.length <= dead + superseded;
}

/** People also read the fields beside the signed text: one that it does not bear out is refused. */
function findContradiction(
  exported: Record<string, unknown>,
  statement: SignedStatement,
): string | undefined {
  const { statement: text, signature, public_key = exported.publicKey } = exported;
  const said: Record<string, unknown> = { statement: text, signature, public_key };
  Object.assign(said, fieldsOf(statement));
  for (const [name, value] of Object.entries(exported)) {
    const field = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    if (!Object.hasOwn(said, field))
      return `this release knows no field ${name} beside the statement, so nothing proves it`;
    if (said[field] !== undefined && String(said[field]) !== String(value))
      return `${name} beside the statement differs from the signed one`;
  }
  return undefined;
}

/** What may stand beside it; undefined where an older statement does not say it. */
function fieldsOf(statement: SignedStatement): Record<string, unknown> {
  const { id, run, link, consumer, epoch, count, signed_at } = statement;
  // What an older release exported has the database's time of storing, which is a little later.
  const own = { id, signed_at: id && signed_at };
  return { ...own, run, link, consumer, epoch, count, ...summaryOf(statement) };
}
