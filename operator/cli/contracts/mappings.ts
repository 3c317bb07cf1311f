/** Which mappings lead from one committed version to another, and which links move by them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NamedContract } from './folder.ts';

/** Says of every mapping of the services what it loses; a test holds it to them. */
const FILE = join(
  ...[import.meta.dirname, '..', '..', '..', 'services', 'mappings', 'mappings.json'],
);

type Loss = 'lossless' | 'lossy with complement' | 'irreversible';

type ListedMapping = {
  event: string;
  older: number;
  newer: number;
  loss: Loss;
  complement: string[];
  drops: string[];
  links: string[];
};

/** What leads from one version of an event to the other. */
export type MappedBy = Omit<ListedMapping, 'event'>;

/** From the best to the worst. */
const LOSSES: readonly Loss[] = ['lossless', 'lossy with complement', 'irreversible'];

/** Null when no mapping leads from the one to the other, or one of them is not committed. */
export function findMapping(one: NamedContract, other: NamedContract): MappedBy | null {
  if (one.event !== other.event || ![one, other].every(isCommitted)) return null;
  const [older, newer] = [one.version, other.version].sort((a, b) => a - b) as [number, number];
  const steps = readMappings().filter(
    (step) => step.event === one.event && step.older >= older && step.newer <= newer,
  );
  if (older === newer || steps.length !== newer - older) return null;
  const worst = Math.max(...steps.map(({ loss }) => LOSSES.indexOf(loss)));
  return {
    ...{ older, newer, loss: LOSSES[worst]! },
    complement: steps.flatMap(({ complement }) => complement),
    drops: steps.flatMap(({ drops }) => drops),
    links: steps.at(-1)!.links,
  };
}

function isCommitted({ event, version, file }: NamedContract): boolean {
  return file === `${event}.v${version}.json`;
}

function readMappings(): ListedMapping[] {
  return JSON.parse(readFileSync(FILE, 'utf8')) as ListedMapping[];
}
