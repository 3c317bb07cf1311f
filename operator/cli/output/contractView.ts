/** Contracts, what changed between two of them, and who could not read whom. */
import type { ContractCheck } from '../contracts/against.ts';
import type { ContractDiff, ContractProblem } from '../contracts/compare.ts';
import type { NamedContract } from '../contracts/folder.ts';
import type { MappedBy } from '../contracts/mappings.ts';
import type { Layout } from './output.ts';
import { cleanText } from './paint.ts';
import { formatTable } from './table.ts';

type ListedContract = Omit<NamedContract, 'schema'>;

export function listContracts(contracts: ListedContract[], layout: Layout): string[] {
  const rows = contracts.map(({ event, version, description }) => [
    layout.paint('bold', `${event}.v${version}`),
    cleanText(description),
  ]);
  return formatTable([{ header: 'contract' }, { header: 'says' }], rows, layout);
}

const SIGNS = { added: '+', removed: '−', changed: '~' } as const;

export function formatDiff(diff: ContractDiff, { paint }: Layout): string[] {
  const tones = { added: 'green', removed: 'red', changed: 'yellow' } as const;
  const head = paint('bold', `${diff.from} → ${diff.to}`);
  if (diff.changes.length === 0 && diff.compatible) return [head, 'no difference'];
  return [
    head,
    ...diff.changes.map(({ field, change }) => `  ${paint(tones[change], SIGNS[change])} ${field}`),
    '',
    ...(diff.compatible
      ? [paint('green', 'compatible: each reads what the other writes')]
      : [paint('red', 'incompatible'), ...formatProblems(diff.problems)]),
    ...(diff.mapping === null ? [] : ['', ...formatMapping(diff.mapping)]),
  ];
}

/** The way that there is nevertheless. */
function formatMapping({ older, newer, loss, links, ...lost }: MappedBy): string[] {
  const [given, dropped] = [lost.complement.join(' and '), lost.drops.join(' and ')];
  const named = [
    given && `v${newer} has no ${given}, which the owner gives`,
    dropped && `v${older} cannot hold ${dropped}`,
  ].filter((words) => words !== '');
  const head = `a mapping leads from v${older} to v${newer}: ${[loss, ...named].join('; ')}`;
  const wayBack = loss === 'irreversible' ? 'none' : 'keep';
  const plan = (link: string) => `  relink plan ${link} --to v${newer} --way-back ${wayBack}`;
  return [head, ...links.map(plan)];
}

export function formatChecks(
  checks: ContractCheck[],
  against: string,
  { paint }: Layout,
): string[] {
  if (checks.length === 0) return [`${against} has no contracts.`];
  return checks.flatMap(({ contract, compatible, problems }) => [
    `${compatible ? paint('green', 'compatible  ') : paint('red', 'incompatible')}  ${contract}`,
    ...formatProblems(problems),
  ]);
}

const READERS: Readonly<Record<string, string>> = {
  backward: 'new readers refuse old events',
  forward: 'old readers refuse new events',
};

export function formatProblems(problems: readonly ContractProblem[]): string[] {
  return problems.map(({ field, problem, direction, pointer }) => {
    const what = `${field} ${problem}`.trim();
    return `  ${READERS[direction]}: ${what}${pointer === '' ? '' : ` (${pointer})`}`;
  });
}
