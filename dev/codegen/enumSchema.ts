/** Enums are names in ProtoJSON; their rules are numbers in protovalidate. */
import type { DescEnum } from '@bufbuild/protobuf';
import type { FieldRules } from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import type { JsonSchema } from '../../link/contracts/jsonSchema.ts';

/** The names that the rules allow. Numbers without a name are not: ProtoJSON cannot name them. */
export function enumSchema(desc: DescEnum, rules: FieldRules | undefined): JsonSchema {
  const isAllowed = rules ? allowedBy(rules) : () => true;
  return {
    type: 'string',
    enum: desc.values.filter(({ number }) => isAllowed(number)).map(({ name }) => name),
  };
}

function allowedBy(rules: FieldRules): (number: number) => boolean {
  const {
    in: only = [],
    notIn = [],
    const: fixed,
  } = rules.type.case === 'enum' ? { ...rules.type.value, const: constOf(rules.type.value) } : {};
  return (number) =>
    (fixed === undefined || number === fixed) &&
    (only.length === 0 || only.includes(number)) &&
    !notIn.includes(number) &&
    !(rules.required && number === 0);
}

// A proto2 field that is not set reads as its zero value; only an own property was set.
function constOf(rules: { const: number }): number | undefined {
  return Object.hasOwn(rules, 'const') ? rules.const : undefined;
}
