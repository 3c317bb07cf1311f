/**
 * The committed JSON Schemas, one file an event version: schemas/<EventName>.v<version>.json.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonSchema } from '../../../link/contracts/jsonSchema.ts';
import { usageError } from '../errors.ts';
import { didYouMean, findSimilar } from '../suggest.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
export const SCHEMAS = join(ROOT, 'schemas');
const FILE_NAME = /^(\w+)\.v(\d+)\.json$/;

export type NamedContract = {
  event: string;
  version: number;
  description: string;
  file: string;
  schema: JsonSchema;
};

/** Every contract of a folder, by name and version. */
export function readContracts(folder = SCHEMAS): NamedContract[] {
  return listFiles(folder)
    .map((file) => toContract(file, parseSchema(readFileSync(join(folder, file), 'utf8'), file)))
    .sort((a, b) => a.event.localeCompare(b.event) || a.version - b.version);
}

function listFiles(folder: string): string[] {
  try {
    return readdirSync(folder).filter((file) => FILE_NAME.test(file));
  } catch {
    throw usageError(`There is no folder ${folder}.`);
  }
}

/** One contract, named `ManagerCreated.v0` or by its file. */
export function readContract(name: string): NamedContract {
  if (name.endsWith('.json')) return readSchemaFile(name);
  const contracts = readContracts();
  const found = contracts.find(({ event, version }) => `${event}.v${version}` === name);
  if (found !== undefined) return found;
  const known = contracts.map(({ event, version }) => `${event}.v${version}`);
  const hint = didYouMean(findSimilar(name, known)) ?? '';
  throw usageError(`There is no contract ${name}. ${hint}`.trim(), ['relink contracts list']);
}

function readSchemaFile(path: string): NamedContract {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    throw usageError(`Cannot read ${path}.`, ['relink contracts list']);
  }
  return toContract(path, parseSchema(text, path));
}

/** @throws CliError (usage) when the text is no JSON Schema of an event. */
export function parseSchema(text: string, file: string): JsonSchema {
  try {
    const schema = JSON.parse(text) as JsonSchema;
    if (schema.properties !== undefined) return schema;
  } catch {
    // Reported below, like any other text that is not a schema.
  }
  throw usageError(`${file} is not the JSON Schema of an event.`);
}

function toContract(file: string, schema: JsonSchema): NamedContract {
  const event = String(schema.properties?.event_name?.const ?? schema.title ?? file);
  const version = Number(schema.properties?.event_version?.const ?? 0);
  return { event, version, description: schema.description ?? '', file, schema };
}
