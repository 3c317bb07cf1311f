/** Attributes damage to the migration during which the message was written. */
import { type Case, countDamage, type Damage, type Finding } from './findings.ts';

/** The newest version of every key of a link at one point in time. */
export type VersionMark = ReadonlyMap<string, bigint>;

/** One migration: its link, when it ran, and the versions at the owner before and after. */
export interface MigrationSpan {
  readonly link: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly before: VersionMark;
  readonly after: VersionMark;
}

/** How much damage of one kind the messages of its link suffered while the migration ran. */
export function damageWithin(
  findings: readonly Finding[],
  damage: Damage,
  span: MigrationSpan,
): number {
  const within = findings
    .filter(({ link }) => link === span.link)
    .map((finding) => ({
      ...finding,
      cases: finding.cases.filter((one) => isWithin(one, span)),
    }));
  return countDamage(within, damage);
}

/**
 * A message is dated by the time in its id. A missing message has no known id, so it is dated by
 * the versions that the owner's row went through meanwhile. What cannot be dated counts against
 * every migration.
 */
function isWithin({ what, version, writtenMs }: Case, span: MigrationSpan): boolean {
  if (writtenMs > 0) return writtenMs >= span.fromMs && writtenMs <= span.toMs;
  const reached = span.after.get(what);
  if (version === 0n || reached === undefined) return true;
  return version > (span.before.get(what) ?? 0n) && version <= reached;
}
