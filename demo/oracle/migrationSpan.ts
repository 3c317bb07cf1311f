/** Which damage belongs to which migration. */
import { type Case, countDamage, type Damage, type Finding } from './findings.ts';

/** The newest version of every key of a link at one moment. */
export type Mark = ReadonlyMap<string, bigint>;

/** One migration: of which link, when it ran, and what the owner's table held at both ends. */
export type Span = {
  readonly link: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly before: Mark;
  readonly after: Mark;
};

/** How much damage of a kind befell what its link carried while the migration ran. */
export function damageWithin(findings: readonly Finding[], damage: Damage, span: Span): number {
  const within = findings
    .filter(({ link }) => link === span.link)
    .map((finding) => ({
      ...finding,
      cases: finding.cases.filter((one) => isWithin(one, span)),
    }));
  return countDamage(within, damage);
}

/**
 * A message is placed by the time in its id; one that is missing has no id that anybody still knows,
 * so it is placed by the version that the owner's row reached meanwhile. What cannot be placed is
 * laid to every migration's charge.
 */
function isWithin({ what, version, writtenMs }: Case, span: Span): boolean {
  if (writtenMs > 0) return writtenMs >= span.fromMs && writtenMs <= span.toMs;
  const reached = span.after.get(what);
  if (version === 0n || reached === undefined) return true;
  return version > (span.before.get(what) ?? 0n) && version <= reached;
}
