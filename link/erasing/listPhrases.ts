/** What an entity's owner has in the fields that a contract version took away, as phrases. */
import { LinkError } from '../errors.ts';
import type { LinkDefinition } from '../link.ts';
import type { EntitySource, NamedEntity } from '../participant/entity.ts';
import { hashPhrase, joinedSpellingsOf, soughtOf, spellingsOf, wordsOf } from './phrases.ts';

/** Fields that older versions of the link's events have, and that only the owner can give. */
export function takenFields(link: LinkDefinition, version = Infinity): string[] {
  const steps = (link.mappings ?? []).filter(({ newer }) => newer.version <= version);
  return [...new Set(steps.flatMap(({ complement }) => complement))].sort();
}

/** How a source reads them. @throws LinkError NOT_MOVABLE when it does not say what they hold */
export function phrasesOf(
  link: LinkDefinition,
  source: EntitySource | undefined,
): NonNullable<EntitySource['phrases']> {
  if (source?.phrases) return source.phrases;
  throw new LinkError(
    'NOT_MOVABLE',
    `the source of ${link.id} has no \`phrases\`: nobody could look for ${takenFields(link).join(', ')}`,
  );
}

/** The phrases by which an entity is sought, each as its words. */
export function phrasesOfEntity(
  { names, fields: values }: NamedEntity,
  fields: readonly string[],
): (readonly string[])[] {
  const inFields = fields.flatMap((field) =>
    spellingsOf(values[field] ?? '')
      .filter((value) => value.length > 0)
      .map((value) => [...wordsOf(field), ...value]),
  );
  // Of the usual order alone: each phrase more is looked for in everything.
  const joined = names.slice(0, 1).flatMap(joinedSpellingsOf);
  return [...[...names.flatMap(spellingsOf), ...inFields].flatMap(soughtOf), ...joined];
}

/** Whether its name can be looked for in free text, or only its fields by their names. */
export function isNameSought({ names }: NamedEntity): boolean {
  const joined = names.slice(0, 1).flatMap(joinedSpellingsOf);
  return [...names.flatMap(spellingsOf).flatMap(soughtOf), ...joined].length > 0;
}

export function hashesOf(salt: string, phrases: readonly (readonly string[])[]): string[] {
  return [...new Set(phrases.map((phrase) => hashPhrase(salt, phrase)))];
}
