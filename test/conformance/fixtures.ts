/**
 * How to exercise each link of `services/links.ts`. A link without a fixture fails the conformance
 * suite, which says so.
 */
import type { LinkFixture } from './fixture.ts';
import { formalFixtures } from './formalFixtures.ts';
import { functionalFixtures } from './functionalFixtures.ts';

const fixtures: Readonly<Record<string, LinkFixture>> = {
  ...formalFixtures,
  ...functionalFixtures,
};

/** @throws when nobody told how to exercise the link */
export function fixtureOf(link: string): LinkFixture {
  const fixture = fixtures[link];
  if (!fixture) throw new Error(`${link} has no fixture in test/conformance: add one`);
  return fixture;
}
