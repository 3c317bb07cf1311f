/**
 * The contracts of this working tree against those that are in use: a commit's, or a folder's.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { usageError } from '../errors.ts';
import { type ContractProblem, compareContracts } from './compare.ts';
import { type NamedContract, parseSchema, readContracts, SCHEMAS } from './folder.ts';

const MAX_SCHEMA_BYTES = 1024 * 1024; // of one file; real ones have a few thousand

export type ContractCheck = {
  contract: string;
  /** Whether it is there now, and old and new readers understand each other. */
  compatible: boolean;
  problems: ContractProblem[];
};

const GONE: ContractProblem = {
  field: '',
  pointer: '',
  problem: 'is gone',
  direction: 'backward',
  verdict: 'readers do not know this version any more. To do: bring its .proto file back.',
};

/** One check for each contract in use. @throws CliError (usage) when `against` is neither. */
export function checkContracts(against: string): ContractCheck[] {
  const present = readContracts();
  const isFolder = existsSync(against) && statSync(against).isDirectory();
  const used = isFolder ? readContracts(against) : readCommit(against);
  return used.map((old) => checkOne(old, present));
}

function checkOne(old: NamedContract, present: NamedContract[]): ContractCheck {
  const contract = `${old.event}.v${old.version}`;
  const now = present.find(({ event, version }) => event === old.event && version === old.version);
  if (now === undefined) {
    return { contract, compatible: false, problems: [GONE] };
  }
  const { compatible, problems } = compareContracts(old, now);
  return { contract, compatible, problems };
}

function readCommit(commit: string): NamedContract[] {
  const files = git('ls-tree', '--name-only', '--end-of-options', commit, './');
  if (files === undefined) {
    throw usageError(`${commit} is neither a folder nor a commit of this repository.`, [
      'relink contracts check --against FOLDER',
    ]);
  }
  const names = files.split('\n').filter((file) => file.endsWith('.json'));
  return names.map((file) => {
    const schema = parseSchema(git('show', '--end-of-options', `${commit}:./${file}`) ?? '', file);
    const event = String(schema.properties?.event_name?.const);
    const version = Number(schema.properties?.event_version?.const);
    return { event, version, description: '', file: join('schemas', file), schema };
  });
}

function git(...args: string[]): string | undefined {
  const options = { cwd: SCHEMAS, encoding: 'utf8', maxBuffer: MAX_SCHEMA_BYTES } as const;
  const { status, stdout } = spawnSync('git', args, options);
  return status === 0 ? stdout : undefined;
}
