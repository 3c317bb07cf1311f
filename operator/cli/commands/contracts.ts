/** relink contracts list|diff|check: offline, from the committed JSON Schemas. */
import { checkContracts } from '../contracts/against.ts';
import { type ContractDiff, compareContracts } from '../contracts/compare.ts';
import { readContract, readContracts } from '../contracts/folder.ts';
import { EXIT } from '../exitCode.ts';
import { formatChecks, formatDiff, listContracts } from '../output/contractView.ts';
import type { Program, UseSession } from '../root.ts';

export function addContractCommands(program: Program, use: UseSession): void {
  const group = program
    .command('contracts')
    .description('list, compare or check the event contracts');

  group
    .command('list')
    .description('list events and their versions')
    .action(() => {
      const contracts = readContracts().map(({ schema: _, ...contract }) => contract);
      use().output.show({
        json: () => ({ contracts }),
        items: () => contracts,
        text: (layout) => listContracts(contracts, layout),
      });
    });

  group
    .command('diff')
    .argument('<from>', 'such as ManagerCreated.v0, or a JSON Schema file')
    .argument('<to>', 'such as ManagerCreated.v1, or a JSON Schema file')
    .description('show what differs between two versions, and which readers would fail')
    .action((from, to) => {
      const session = use();
      const diff: ContractDiff = compareContracts(readContract(from), readContract(to));
      session.output.show({
        json: () => ({ ...diff }),
        text: (layout) => formatDiff(diff, layout),
      });
      if (!diff.compatible) session.exitCode = EXIT.incompatible;
    });

  group
    .command('check')
    .option('--against <commit or folder>', 'the contracts in use', 'HEAD')
    .description('check that no version in use has changed incompatibly')
    .action(({ against }) => {
      const session = use();
      const checks = checkContracts(against);
      const compatible = checks.every((check) => check.compatible);
      session.output.show({
        json: () => ({ against, compatible, contracts: checks }),
        items: () => checks,
        text: (layout) => formatChecks(checks, against, layout),
      });
      if (!compatible) session.exitCode = EXIT.incompatible;
    });
}
