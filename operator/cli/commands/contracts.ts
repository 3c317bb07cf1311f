/**
 * relink contracts list|diff|check|retire. What is committed is read offline from the JSON Schemas;
 * what runs, the operator knows.
 */
import {
  CheckContractsResponseSchema,
  ContractPairSchema,
  type RegisteredContract,
  RegisteredContractSchema,
  RetireContractResponseSchema,
  RetireFindingSchema,
} from '../../../gen/relink/v1/operator_pb.ts';
import { followPages } from '../../../rpc/paging.ts';
import { confirmStep } from '../confirm.ts';
import { checkContracts } from '../contracts/against.ts';
import { type ContractDiff, compareContracts } from '../contracts/compare.ts';
import { readContract, readContracts } from '../contracts/folder.ts';
import { usageError } from '../errors.ts';
import { EXIT } from '../exitCode.ts';
import { requireFound, withLink } from '../knownLinks.ts';
import { formatChecks, formatDiff, listContracts } from '../output/contractView.ts';
import { toJsonShape } from '../output/json.ts';
import { formatPairs, formatRetiring, listRegistered } from '../output/registryView.ts';
import type { Program, UseSession } from '../root.ts';
import type { Session } from '../session.ts';
import { tellUnanswered } from '../unanswered.ts';

type Group = ReturnType<typeof addGroup>;

export function addContractCommands(program: Program, use: UseSession): void {
  const group = addGroup(program);
  addList(group, use);
  addDiff(group, use);
  addCheck(group, use);
  addRetire(group, use);
}

function addGroup(program: Program) {
  return program
    .command('contracts')
    .description('list, compare, check or retire the event contracts');
}

function addList(group: Group, use: UseSession): void {
  group
    .command('list')
    .argument('[link]', 'only contracts that were seen on this link')
    .option('--registry', 'what running services registered, not what is committed')
    .description('list events and their versions')
    .action(async (link, { registry }) => {
      const session = use();
      if (registry || link !== undefined) await showRegistered(session, link ?? '');
      else showCommitted(session);
    });
}

function showCommitted({ output }: Session): void {
  const contracts = readContracts().map(({ schema: _, ...contract }) => contract);
  output.show({
    json: () => ({ contracts }),
    items: () => contracts,
    text: (layout) => listContracts(contracts, layout),
  });
}

async function showRegistered(session: Session, link: string): Promise<void> {
  const contracts = await readRegistered(session, link);
  const shapes = () => contracts.map((one) => toJsonShape(RegisteredContractSchema, one));
  session.output.show({
    json: () => ({ contracts: shapes() }),
    items: shapes,
    text: (layout) => listRegistered(contracts, layout),
  });
}

async function readRegistered(session: Session, link: string): Promise<RegisteredContract[]> {
  const { entries } = await followPages(async (afterId: bigint | undefined) => {
    const { contracts, nextId } = await session.operator.listContracts({ link, afterId });
    return { entries: contracts, next: nextId || undefined };
  });
  await requireFound(session, link, entries);
  return [...entries].sort((a, b) => a.event.localeCompare(b.event) || a.version - b.version);
}

function addDiff(group: Group, use: UseSession): void {
  group
    .command('diff')
    .argument('<from>', 'such as ManagerCreated.v0, or a JSON Schema file; or an event')
    .argument('<to>', 'such as ManagerCreated.v1, or a JSON Schema file; or the older version')
    .argument('[newer]', 'the newer version, as in diff ManagerCreated v0 v1')
    .description('show what differs between two versions, and which readers would fail')
    .action((from, to, newer) => {
      const session = use();
      const names = newer === undefined ? [from, to] : [`${from}.${to}`, `${from}.${newer}`];
      const [older, later] = names.map(readContract);
      const diff: ContractDiff = compareContracts(older!, later!);
      session.output.show({
        json: () => ({ ...diff }),
        text: (layout) => formatDiff(diff, layout),
      });
      if (!diff.compatible) session.exitCode = EXIT.incompatible;
    });
}

function addCheck(group: Group, use: UseSession): void {
  group
    .command('check')
    .argument('[link]', 'only what meets on this link, of what runs')
    .option('--registry', 'of what runs: does each consumer accept what producers may write?')
    .option('--against <commit or folder>', 'the contracts in use (HEAD when not given)')
    .description('check that no version in use has changed incompatibly')
    .action(async (link, { registry, against }) => {
      const session = use();
      const isOfRunning = registry || link !== undefined;
      if (isOfRunning && against !== undefined)
        throw usageError('--against compares what is committed, not what runs.', [
          'relink contracts check --registry',
        ]);
      if (isOfRunning) await checkRunning(session, link ?? '');
      else checkCommitted(session, against ?? 'HEAD');
    });
}

async function checkRunning(session: Session, link: string): Promise<void> {
  const response = await withLink(session, link, () => session.operator.checkContracts({ link }));
  session.output.show({
    json: () => toJsonShape(CheckContractsResponseSchema, response),
    items: () => response.pairs.map((one) => toJsonShape(ContractPairSchema, one)),
    text: (layout) => formatPairs(response, layout),
  });
  tellUnanswered(session, response.unanswered);
  if (!response.compatible) session.exitCode = EXIT.incompatible;
}

function checkCommitted(session: Session, against: string): void {
  const checks = checkContracts(against);
  const compatible = checks.every((check) => check.compatible);
  session.output.show({
    json: () => ({ against, compatible, contracts: checks }),
    items: () => checks,
    text: (layout) => formatChecks(checks, against, layout),
  });
  if (!compatible) session.exitCode = EXIT.incompatible;
}

function addRetire(group: Group, use: UseSession): void {
  group
    .command('retire')
    .argument('<event>', 'such as ManagerCreated')
    .argument('<version>', 'such as v0')
    .requiredOption('--reason <text>', 'why, for the record')
    .description('give a version up for good, unless something still uses it')
    .action(async (event, name, { reason }) => {
      const session = use();
      const version = parseVersion(name);
      await confirmStep(session, `Give ${event} ${name} up for good?`);
      const { operator, actor, output } = session;
      const response = await operator.retireContract({ event, version, reason, actor });
      output.show({
        json: () => toJsonShape(RetireContractResponseSchema, response),
        items: () => response.findings.map((one) => toJsonShape(RetireFindingSchema, one)),
        text: (layout) => formatRetiring(response, `${event} ${name}`, layout),
      });
      if (!response.retired) session.exitCode = EXIT.failed;
    });
}

function parseVersion(text: string): number {
  const version = /^v(0|[1-9]\d{0,2})$/.exec(text)?.[1];
  if (version !== undefined) return Number(version);
  throw usageError(`${text} is no contract version; they are named v0, v1, …`, [
    'relink contracts list --registry',
  ]);
}
