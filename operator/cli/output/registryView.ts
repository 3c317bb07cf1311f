/** What running services registered, whether they understand each other, and what can be given up. */
import type {
  CheckContractsResponse,
  ContractUse,
  RegisteredContract,
  RetireContractResponse,
} from '../../../gen/relink/v1/operator_pb.ts';
import { formatProblems } from './contractView.ts';
import type { Layout } from './output.ts';
import { cleanText } from './paint.ts';
import { type Column, formatTable } from './table.ts';
import { formatMoment } from './time.ts';

const COLUMNS: Column[] = [
  { header: 'contract', isGroup: true },
  { header: 'registered', isGroup: true },
  { header: 'link' },
  { header: 'service' },
  { header: 'processes', align: 'right' },
  { header: 'last seen', align: 'right' },
];

export function listRegistered(contracts: RegisteredContract[], layout: Layout): string[] {
  if (contracts.length === 0) return ['No service has registered a contract yet.'];
  const rows = contracts.flatMap((contract) => {
    const name = nameContract(contract, layout);
    const since = formatMoment(contract.registeredAt, layout.now);
    return contract.uses.map((use) => [
      name,
      `${since}\n${cleanText(contract.registeredBy)}`,
      ...sayUse(use, layout),
    ]);
  });
  return formatTable(COLUMNS, rows, layout);
}

function nameContract(contract: RegisteredContract, { paint }: Layout): string {
  const name = paint('bold', `${contract.event}.v${contract.version}`);
  if (contract.retiredBy !== '') return `${name}\n${paint('dim', 'retired')}`;
  return contract.changed ? `${name}\n${paint('red', 'another text')}` : name;
}

function sayUse({ link, service, side, instances, lastSeenAt }: ContractUse, { now }: Layout) {
  const does = side === 'producer' ? 'writes' : 'reads';
  return [link, `${service} ${does}`, String(instances.length), formatMoment(lastSeenAt, now)];
}

export function formatPairs(
  { pairs, alarms }: CheckContractsResponse,
  { paint }: Layout,
): string[] {
  const lines = pairs.flatMap(({ link, event, version, producer, consumer, ...pair }) => [
    `${pair.compatible ? paint('green', 'compatible  ') : paint('red', 'incompatible')}  ` +
      `${link} ${event}.v${version} ${producer} → ${consumer}`,
    ...formatProblems(pair.problems),
  ]);
  return [...lines, ...alarms.map((text) => `${paint('red', '!')} ${cleanText(text)}`)];
}

export function formatRetiring(
  { retired, retiredBy, retiredAt, findings }: RetireContractResponse,
  name: string,
  { paint, now }: Layout,
): string[] {
  const against = findings.filter(({ standsAgainst }) => standsAgainst);
  const lines = findings.map(({ what, where, value, standsAgainst }) => {
    const sign = standsAgainst ? paint('red', '✖') : paint('green', '✔');
    return `  ${sign} ${`${what.replace('_', ' ')} ${where}`.trim()}: ${cleanText(value)}`;
  });
  const head = retired
    ? paint(
        'green',
        `${name} is retired, by ${cleanText(retiredBy)} ${formatMoment(retiredAt, now)}`,
      )
    : paint('red', `${name} is not retired: ${against.length} things stand against it`);
  return [head, ...lines];
}
