/** Requests are checked against the rules in their .proto files before a handler sees them. */
import type { DescMessage, DescService, MessageShape } from '@bufbuild/protobuf';
import { create } from '@bufbuild/protobuf';
import { pathToString } from '@bufbuild/protobuf/reflect';
import { createValidator, type Violation } from '@bufbuild/protovalidate';
import { RpcError } from './errors.ts';

/** Of the process: it keeps the rules that it compiled, for every server that asks again. */
const validator = createValidator();
const MAX_FAULTS = 20; // a person reads them; a hostile request could have a million

/** Throws RpcError INVALID_ARGUMENT naming every field that breaks a rule. */
export type Validate = <S extends DescMessage>(schema: S, message: MessageShape<S>) => void;

/**
 * A validator for the requests of these services. Its rules are compiled now (about 200 ms for the
 * first), not under the first calls. Throws when a rule in a .proto file is wrong.
 */
export function compileRules(services: DescService[]): Validate {
  for (const { input } of services.flatMap((service) => service.methods)) {
    const { error } = validator.validate(input, create(input));
    if (error !== undefined && error.name !== 'ValidationError') throw error;
  }
  return (schema, message) => {
    const result = validator.validate(schema, message);
    if (result.kind === 'valid') return;
    if (result.kind === 'error') throw result.error;
    throw refusal(result.violations);
  };
}

function refusal(violations: Violation[]): RpcError {
  const fields = violations.slice(0, MAX_FAULTS).map(({ field, message }) => ({
    field: pathToString(field),
    description: message,
  }));
  const names = fields.map(({ field }) => field).join(', ');
  return new RpcError('INVALID_ARGUMENT', 'FIELDS_INVALID', `invalid: ${names}`, { fields });
}
