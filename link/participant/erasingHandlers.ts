/** The participant API for what a contract version took away and older messages still hold. */
import {
  type LinkParticipant,
  type Phrases,
  PhrasesSchema,
} from '../../gen/relink/v1/participant_pb.ts';
import type { Handlers } from '../../rpc/handlers.ts';
import { readPage } from '../../rpc/paging.ts';
import type { Database } from '../../runtime/postgres.ts';
import { countOlder, ERASED, eraseFields } from '../erasing/eraseFields.ts';
import { findTraces, type Ground } from '../erasing/findTraces.ts';
import {
  hashesOf,
  isNameSought,
  phrasesOf,
  phrasesOfEntity,
  takenFields,
} from '../erasing/listPhrases.ts';
import { replacePhrases } from '../erasing/replacePhrases.ts';
import type { LinkDefinition } from '../link.ts';
import { findLink, type ParticipantOptions } from './context.ts';

/** Words of a phrase, unless the request says otherwise: first, middle and last names. */
const LONGEST = 4;
const ENTITIES_PER_PAGE = 1_000;

type Options = Pick<
  ParticipantOptions,
  'sql' | 'produced' | 'consumed' | 'sources' | 'people' | 'freeText'
>;
type Methods = 'eraseFields' | 'listPhrases' | 'replacePhrases' | 'findTraces';

export function erasingHandlers(options: Options): Pick<Handlers<typeof LinkParticipant>, Methods> {
  const { sql, produced, consumed, freeText = [] } = options;
  return {
    eraseFields: async ({ link, version }) => {
      const definition = findLink([...produced, ...consumed], link);
      const { changed, left } = await eraseFields(sql, definition, version);
      return {
        changed: toCounts(Object.entries(changed)),
        left: toCounts(Object.entries(left)),
      };
    },
    listPhrases: (wanted) => listPhrases(options, wanted),
    replacePhrases: async ({ salt, entities, longest }) => {
      const replacing = {
        salt,
        longest: longest || LONGEST,
        aliases: aliasesOf(entities),
        freeText,
      };
      return { changed: toCounts(await replacePhrases(sql, replacing)) };
    },
    findTraces: async ({ salt, hashes, longest, link, version }) => {
      const sought = { salt, hashes: new Set(hashes), longest: longest || LONGEST };
      const found = await findTraces(sql, sought, groundOf(options));
      const definition = [...produced, ...consumed].find(({ id }) => id === link);
      const older = definition ? await findOlder(sql, definition, version) : [];
      return {
        traces: toCounts([...found.traces, ...older]),
        searched: toCounts(found.searched),
        shared: [...found.shared],
        leftOut: found.leftOut,
      };
    },
  };
}

async function listPhrases(
  { sql, produced, sources }: Options,
  wanted: { link: string; version: number; salt: string; afterKey: string },
) {
  const link = findLink(produced, wanted.link);
  const fields = takenFields(link, wanted.version);
  if (fields.length === 0) return {};
  const read = phrasesOf(link, sources?.[link.id]);
  let longest = 0;
  const { entries, next } = await readPage({
    after: wanted.afterKey,
    limit: ENTITIES_PER_PAGE,
    readAtOnce: ENTITIES_PER_PAGE,
    read: ({ after, limit }) => read(sql, { afterKey: after, limit }),
    keyOf: ({ key }) => key,
    entry: PhrasesSchema,
    toWire: (entity) => {
      const phrases = phrasesOfEntity(entity, fields);
      longest = Math.max(longest, ...phrases.map((words) => words.length));
      const notSought = isNameSought(entity) ? '' : entity.key;
      return { alias: entity.alias, hashes: hashesOf(wanted.salt, phrases), notSought };
    },
  });
  return { entities: entries, nextKey: next ?? '', longest, fields };
}

/** After the search, so that what came meanwhile is among them. */
async function findOlder(sql: Database, link: LinkDefinition, version: number) {
  const counts = Object.entries(await countOlder(sql, link, version));
  return counts
    .filter(([, rows]) => rows > 0)
    .map(([table, rows]) => [`relink.${table}.event_version`, rows] as const);
}

/** Of two entities that are called the same, either will do. */
function aliasesOf(entities: readonly Phrases[]): Map<string, string> {
  return new Map(
    entities.flatMap(({ alias, hashes }) => hashes.map((hash) => [hash, alias || ERASED])),
  );
}

function groundOf({ produced, consumed, sources, people = [] }: Options): Ground {
  const owned = produced.filter((link) => takenFields(link).length > 0);
  return {
    fields: [...produced, ...consumed].flatMap((link) => takenFields(link)),
    owned: owned.flatMap(({ id }) => sources?.[id]?.table ?? []),
    people,
  };
}

function toCounts(counts: Iterable<readonly [string, number]>): Record<string, bigint> {
  return Object.fromEntries([...counts].map(([name, rows]) => [name, BigInt(rows)]));
}
