/**
 * Checks a value against an event's JSON Schema: compiled at the first value, about a microsecond
 * an event from then on.
 */
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import { isInt64, isRealTime, isUint64 } from './formats.ts';
import type { JsonSchema } from './jsonSchema.ts';

/** What is wrong with one field. Never contains values: they may be personal. */
export interface Problem {
  /** Path such as `payload.exercises.0.title`; empty for the event as a whole. */
  readonly field: string;
  /** What is wrong; reads on from the field's name. */
  readonly message: string;
}

/** The most problems reported for one event: a person reads them. */
const maxProblems = 20;

const none: readonly Problem[] = [];

/**
 * A function that returns the problems of a value, at most 20; empty when it is valid. Compiled at its
 * first call, which throws when the schema is wrong; or by `prepare`.
 */
export interface Validator {
  (value: unknown): readonly Problem[];
  /** Compiles the fast check now: some milliseconds. */
  readonly prepare: () => void;
}

export function validatorOf(schema: JsonSchema): Validator {
  let isValid: ReturnType<Ajv2020['compile']> | undefined;
  let findAll: ReturnType<Ajv2020['compile']> | undefined;
  const fast = () => (isValid ??= firstProblem().compile(schema));
  const find = (value: unknown) => {
    if (fast()(value)) return none;
    // Rarely needed, so compiled on first use: the fast validator stops at the first problem.
    findAll ??= allProblems().compile(schema);
    findAll(value);
    return (findAll.errors ?? []).slice(0, maxProblems).map(toProblem);
  };
  return Object.assign(find, { prepare: () => void fast() });
}

/** One of each kind for the process: to make one takes longer than most schemas. */
const [firstProblem, allProblems] = [false, true].map((allErrors) => {
  let ajv: Ajv2020 | undefined;
  return () => (ajv ??= newAjv(allErrors));
}) as [() => Ajv2020, () => Ajv2020];

function newAjv(allErrors: boolean): Ajv2020 {
  return new Ajv2020({
    allErrors,
    verbose: allErrors,
    strict: true,
    // Compiling the meta-schema takes a third of a service's start; a test validates our schemas.
    validateSchema: false,
    // A part of allOf or oneOf need not repeat the type and the properties.
    strictTypes: false,
    strictRequired: false,
    formats: {
      uuid: true, // its pattern already checks it
      'date-time': isRealTime,
      int64: isInt64,
      uint64: isUint64,
    },
  });
}

function toProblem(error: ErrorObject): Problem {
  const path = error.instancePath.split('/').slice(1);
  const named = error.params.additionalProperty ?? error.params.missingProperty;
  if (named !== undefined) path.push(named);
  return { field: path.join('.'), message: describeProblem(error) };
}

function describeProblem(error: ErrorObject): string {
  switch (error.keyword) {
    case 'additionalProperties':
      return 'is not a field of this contract';
    case 'required':
      return 'is missing';
    case 'const':
      return `must be ${JSON.stringify(error.params.allowedValue)}`;
    case 'enum':
      return `must be one of ${error.params.allowedValues.join(', ')}`;
    case 'pattern':
    case 'format':
      return describeFormat(error);
    default:
      return error.message ?? `breaks the rule ${error.keyword}`;
  }
}

const formatNames: Record<string, string> = {
  uuid: 'must be a UUID',
  'date-time': 'must be an RFC 3339 time',
  int64: 'must be a 64-bit integer as a string',
  uint64: 'must be an unsigned 64-bit integer as a string',
};

function describeFormat(error: ErrorObject): string {
  const format = (error.parentSchema as JsonSchema | undefined)?.format;
  return formatNames[format ?? ''] ?? error.message ?? 'has the wrong format';
}
