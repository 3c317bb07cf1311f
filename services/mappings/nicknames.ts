/**
 * US-170: a nickname takes the place of a manager's first and last name. It follows from the
 * manager's id and never from the name: whoever has the id can compute it, and nobody gets a name
 * out of it. Names stay with their owner, who gives them when a message has to go back.
 *
 * `calm-otter-3f9a02c1d4`: two words of 128 each by the low seven bits of the first two bytes of the
 * id's SHA-256, then its next five bytes in hexadecimal. That is 54 bits: among a million managers
 * two share a nickname with a probability of 1 to 36,000. The id is hashed in lower case, as
 * PostgreSQL prints it; of a UUIDv7's own digits the first ones are the time and alike.
 */
import { hash } from 'node:crypto';
import { defineContract, defineMapping, derived, removed } from 'relink';
import {
  managerCreatedV0,
  managerCreatedV1,
  managerUpdatedV0,
  managerUpdatedV1,
} from '../../gen/events.ts';
import { ADJECTIVES, ANIMALS } from './nicknameWords.ts';

/** The nickname of the manager with this id, a UUID. */
export function nicknameOf(managerId: string): string {
  const digest = hash('sha256', managerId.toLowerCase(), 'buffer');
  const adjective = ADJECTIVES[digest[0]! % ADJECTIVES.length];
  const animal = ANIMALS[digest[1]! % ANIMALS.length];
  return `${adjective}-${animal}-${digest.toString('hex', 2, 7)}`;
}

/** `nicknameOf` of an expression, a `uuid` or its text. */
export function nicknameSql(managerId: string): string {
  const digest = `sha256(convert_to(lower((${managerId})::text), 'UTF8'))`;
  const word = (words: readonly string[], byte: number) =>
    `('{${words.join()}}'::text[])[1 + get_byte(${digest}, ${byte}) % ${words.length}]`;
  const digits = `encode(substring(${digest} from 3 for 5), 'hex')`;
  return `(${word(ADJECTIVES, 0)} || '-' || ${word(ANIMALS, 1)} || '-' || ${digits})`;
}

const namesGoNicknameComes = [
  derived('nickname', {
    from: ['manager_replication_id'],
    compute: ({ manager_replication_id: id }: { manager_replication_id: string }) => nicknameOf(id),
    sql: ({ manager_replication_id: id }) => nicknameSql(id),
  }),
  removed('first_name', { complement: true }),
  removed('last_name', { complement: true }),
];

export const managerCreated = defineMapping(
  defineContract(managerCreatedV0.message, managerCreatedV0.schema),
  defineContract(managerCreatedV1.message, managerCreatedV1.schema),
  namesGoNicknameComes,
);

export const managerUpdated = defineMapping(
  defineContract(managerUpdatedV0.message, managerUpdatedV0.schema),
  defineContract(managerUpdatedV1.message, managerUpdatedV1.schema),
  namesGoNicknameComes,
);
