/**
 * The offline check of exported certificates: one, or a list as `certificate list --json` prints.
 */
import { usageError } from './errors.ts';
import type { JsonObject } from './output/json.ts';
import type { View } from './output/output.ts';
import { cleanText, type Paint } from './output/paint.ts';

export interface CheckedCertificate {
  /** As the file has it; only older statements do not name theirs. */
  id: string;
  link: string;
  kind: string;
  consumer: string;
  epoch: number;
  count: number;
  /** Messages that were settled and not applied. */
  exceptions: number;
  signed_at: string;
  /** Null when form and signature are valid, and both sides equal or nothing is left. */
  problem: string | null;
}

/** Checks every certificate of the text. @throws CliError (usage) when there is none in it. */
export async function checkFile(
  file: string,
  text: string,
  publicKey: string | undefined,
): Promise<CheckedCertificate[]> {
  const { checkCertificate, summaryOf } = await import('../../migration/certificateCheck.ts');
  return parseCertificates(file, text).map((exported) => {
    const id = typeof exported.id === 'string' ? exported.id : '';
    try {
      const checked = checkCertificate(JSON.stringify(exported), publicKey);
      if (!checked.isValid) return { ...unsigned(id), problem: checked.problem };
      const { link, consumer, epoch, count, signed_at } = checked.statement;
      const { kind, exceptions } = summaryOf(checked.statement);
      return { id, kind, link, consumer, epoch, count, exceptions, signed_at, problem: null };
    } catch {
      return { ...unsigned(id), problem: 'the statement is not JSON' };
    }
  });
}

/** Repeats nothing of a certificate that failed the check as if it were true. */
function unsigned(id: string) {
  return { id, kind: '', link: '', consumer: '', epoch: 0, count: 0, exceptions: 0, signed_at: '' };
}

function parseCertificates(file: string, text: string): JsonObject[] {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw usageError(`${file} is not JSON.`, ['relink certificate show ID --json > FILE']);
  }
  const object = (content ?? {}) as { certificates?: unknown };
  const all = Array.isArray(object.certificates) ? object.certificates : [content];
  const isObject = (one: unknown) => typeof one === 'object' && one !== null && 'statement' in one;
  if (all.length === 0 || !all.every(isObject)) {
    throw usageError(`${file} holds no certificate.`, ['relink certificate show ID --json > FILE']);
  }
  return all as JsonObject[];
}

/** The result in every format. */
export function viewChecks(checks: CheckedCertificate[], isPinned: boolean): View {
  return {
    json: () => ({ valid: checks.every(isValid), certificates: checks.map(toShape) }),
    items: () => checks.map(toShape),
    text: ({ paint }) => [
      ...checks.map((check) => formatCheck(check, paint)),
      ...(isPinned || !checks.every(isValid) ? [] : [paint('dim', KEY_NOT_PINNED)]),
    ],
  };
}

function formatCheck(check: CheckedCertificate, paint: Paint): string {
  const { id, kind, link, consumer, epoch, count, exceptions, signed_at: signedAt } = check;
  const { problem } = check;
  if (problem !== null) {
    return `${paint('red', 'invalid')}  ${cleanText(id) || 'without id'}: ${problem}`;
  }
  const many = count.toLocaleString('en');
  const said =
    kind === 'erasure'
      ? `${link}: nothing is left of what was erased, of ${many} entities`
      : `${link} ${consumer}, epoch ${epoch}: ${many} messages sent and ${sayApplied(exceptions)}`;
  return `${paint('green', 'valid')}    ${said}, signed ${signedAt}`;
}

function sayApplied(exceptions: number): string {
  if (exceptions === 0) return 'applied';
  return `settled, ${exceptions.toLocaleString('en')} excepted (statement.exceptions, .accepted)`;
}

const KEY_NOT_PINNED = 'Unchanged since it was signed. To verify who signed it, pass --public-key.';

function isValid({ problem }: CheckedCertificate): boolean {
  return problem === null;
}

function toShape(check: CheckedCertificate): JsonObject {
  return { ...check };
}
