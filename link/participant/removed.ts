/** What a completed migration removed from a database, a build of before may still need. */
import type { Schema } from '../../runtime/postgresSchema.ts';
import { LinkError } from '../errors.ts';
import type { LinkDefinition } from '../link.ts';
import { writesOf } from '../versions.ts';
import type { Removals } from './context.ts';

/** The oldest contract version of a link in whose form the database holds rows. */
export async function oldestHeld(
  schema: Schema | undefined,
  removals: Removals = {},
): Promise<number> {
  const made = await madeRemovals(schema);
  const versions = Object.entries(removals).filter(([, names]) =>
    names.some((one) => made.has(one)),
  );
  return Math.max(0, ...versions.map(([version]) => Number(version)));
}

async function madeRemovals(schema: Schema | undefined): Promise<ReadonlySet<string>> {
  const changes = (await schema?.list()) ?? [];
  return new Set(changes.filter(({ removes }) => removes).map(({ name }) => name));
}

/**
 * Called before a process does anything.
 * @throws LinkError INVALID_RELEASE when it writes a contract version that the database no longer holds
 */
export async function refuseRemoved(
  schema: Schema | undefined,
  links: readonly LinkDefinition[],
  removals: Readonly<Record<string, Removals | undefined>> = {},
): Promise<void> {
  const made = await madeRemovals(schema);
  for (const link of links)
    for (const [version, names] of Object.entries(removals[link.id] ?? {})) {
      const name = names.find((one) => made.has(one));
      if (name === undefined || writesOf(link) >= Number(version)) continue;
      throw new LinkError(
        'INVALID_RELEASE',
        `this build writes ${link.id} v${writesOf(link)}, and the database has removed what that needs ` +
          `('${name}'): start a build that writes v${version}`,
      );
    }
}
