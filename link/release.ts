/**
 * What a build reads and writes at most. The versions of a link move by the two-version rule: every
 * live process reads a version before any writes it, and none writes it any more before its reading
 * code goes. A build says so of itself, so that the steps of a migration can wait for releases.
 */
import { LinkError } from './errors.ts';
import type { LinkDefinition, LinkMap } from './link.ts';
import { versionsOf } from './versions.ts';

export interface Release {
  readonly reads: number;
  readonly writes: number;
}

const ENTRY = /^([A-Z]+-\d{3})=v(\d{1,4})\/v(\d{1,4})$/;

/**
 * The releases that a setting names, by link: `COMM-040=v1/v0,COMM-010=v0/v0`, what is read before
 * what is written. Links that are not named are at their newest.
 * @throws LinkError INVALID_RELEASE
 */
export function parseReleases(text: string): ReadonlyMap<string, Release> {
  const entries = text.split(',').flatMap((part) => part.trim() || []);
  return new Map(
    entries.map((entry) => {
      const [, id, reads, writes] = ENTRY.exec(entry) ?? [];
      if (!id) throw invalid(`${entry} is not like COMM-040=v1/v0`);
      const release = { reads: Number(reads), writes: Number(writes) };
      if (release.writes > release.reads)
        throw invalid(`${entry}: a build must read what it writes`);
      return [id, release] as const;
    }),
  );
}

/**
 * The map as a build of the releases that a setting names has it: business code and kit must write
 * by the same one.
 * @throws LinkError INVALID_RELEASE
 */
export function releaseLinks<Links extends LinkMap>(links: Links, setting: string): Links {
  const releases = parseReleases(setting);
  const released = Object.values(links).map((one) => releasedAs(one, releases.get(one.id)));
  return Object.fromEntries(released.map((link) => [link.id, link])) as unknown as Links;
}

/**
 * The link as a build of that release has it.
 * @throws LinkError INVALID_RELEASE for a version that the map does not list
 */
export function releasedAs(link: LinkDefinition, release: Release | undefined): LinkDefinition {
  if (!release) return link;
  const listed = versionsOf(link);
  for (const version of [release.reads, release.writes])
    if (!listed.includes(version))
      throw invalid(`${link.id} has no version ${version}, only ${listed.join(', ')}`);
  return { ...link, release };
}

function invalid(what: string): LinkError {
  return new LinkError('INVALID_RELEASE', `RELINK_RELEASE: ${what}`);
}
