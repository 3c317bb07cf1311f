/**
 * What differs between two JSON Schemas, and which reader would not understand which writer.
 */
import { compareSchemas, type Incompatibility } from '../../../link/contracts/compatibility.ts';
import { ContractError } from '../../../link/contracts/contractError.ts';
import type { JsonSchema } from '../../../link/contracts/jsonSchema.ts';
import { usageError } from '../errors.ts';
import type { NamedContract } from './folder.ts';
import { findMapping, type MappedBy } from './mappings.ts';

export type FieldChange = { field: string; change: 'added' | 'removed' | 'changed' };

export type ContractProblem = { [K in keyof Incompatibility]: string };

export type ContractDiff = {
  from: string;
  to: string;
  compatible: boolean;
  changes: FieldChange[];
  problems: ContractProblem[];
  /** What lets links go from the one to the other although readers of one refuse the other. */
  mapping: MappedBy | null;
};

/**
 * The version number itself does not count as a difference.
 * @throws CliError (usage) when a schema says what cannot be compared.
 */
export function compareContracts(from: NamedContract, to: NamedContract): ContractDiff {
  const ignore = from.version === to.version ? [] : ['event_version'];
  const problems = compare(from, to, ignore);
  return {
    from: `${from.event}.v${from.version}`,
    to: `${to.event}.v${to.version}`,
    compatible: problems.length === 0,
    changes: listChanges(from.schema, to.schema).filter(({ field }) => !ignore.includes(field)),
    problems: problems.map((problem) => ({ ...problem })),
    mapping: findMapping(from, to),
  };
}

function compare(from: NamedContract, to: NamedContract, ignore: string[]): Incompatibility[] {
  try {
    return compareSchemas(from.schema, to.schema, { ignore });
  } catch (error) {
    if (error instanceof ContractError) throw usageError(`Cannot compare: ${error.message}.`);
    throw error;
  }
}

function listChanges(from: JsonSchema, to: JsonSchema): FieldChange[] {
  const before = listFields(from);
  const after = listFields(to);
  const changes: FieldChange[] = [];
  for (const [field, rules] of before) {
    if (!after.has(field)) changes.push({ field, change: 'removed' });
    else if (after.get(field) !== rules) changes.push({ field, change: 'changed' });
  }
  for (const field of after.keys())
    if (!before.has(field)) changes.push({ field, change: 'added' });
  return changes;
}

/** Every field by its path, with the text of its own rules. */
function listFields(schema: JsonSchema, path = ''): Map<string, string> {
  const fields = new Map<string, string>();
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    const at = path === '' ? name : `${path}.${name}`;
    const isRequired = schema.required?.includes(name) === true;
    fields.set(at, `${isRequired} ${ownRules(field)}`);
    for (const [inner, rules] of listFields(field, at)) fields.set(inner, rules);
    for (const [inner, rules] of listFields(field.items ?? {}, `${at}[]`)) fields.set(inner, rules);
  }
  return fields;
}

/** Without the words for people and without the fields inside, which stand for themselves. */
function ownRules(schema: JsonSchema): string {
  const { title, description, properties, required, items, ...rules } = schema;
  return JSON.stringify(rules);
}
