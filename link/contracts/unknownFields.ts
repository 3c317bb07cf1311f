/**
 * Finds fields that a binary message carries beyond its contract, such as those of a later version.
 * In JSON the schema refuses them; protobuf itself would silently keep them.
 */
import type { DescField, DescMessage, Message } from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import type { Problem } from './validator.ts';

/** The first unknown field, however deep; undefined when there is none. */
export type FindUnknownField = (message: Message) => Problem | undefined;

/** The message must not be recursive: `compileTextWriter` refuses those. */
export function compileUnknownFieldFinder(desc: DescMessage, path = ''): FindUnknownField {
  const finders = desc.fields
    .filter((field) => field.message !== undefined)
    .map((field) => nestedFinder(desc, field, path === '' ? field.name : `${path}.${field.name}`));
  return (message) => {
    const [first] = message.$unknown ?? [];
    if (first) return { field: path, message: `has an unknown field, number ${first.no}` };
    for (const find of finders) {
      const problem = find(message);
      if (problem) return problem;
    }
    return undefined;
  };
}

function nestedFinder(desc: DescMessage, field: DescField, path: string): FindUnknownField {
  const find = compileUnknownFieldFinder(field.message!, path);
  return (message) => {
    for (const inner of innerMessages(desc, field, message)) {
      const problem = find(inner);
      if (problem) return problem;
    }
    return undefined;
  };
}

function innerMessages(desc: DescMessage, field: DescField, message: Message): readonly Message[] {
  const held = field.oneof
    ? reflect(desc, message).get(field)
    : (message as unknown as Record<string, unknown>)[field.localName];
  if (Array.isArray(held)) return held;
  return held ? [held as Message] : [];
}
