import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Schema } from '../../runtime/postgresSchema.ts';
import { links } from '../../services/links.ts';
import { releasedAs } from '../release.ts';
import { refuseRemoved } from './removed.ts';

const REMOVALS = { 'COMM-020': { 1: ['requireKnowledgeArea'] } };

function schemaWith(...names: string[]): Schema {
  const changes = names.map((name) => ({ part: 'own', name, removes: true, madeAt: undefined }));
  return {
    list: async () => changes,
    expand: () => Promise.reject(new Error('not asked')),
    contract: () => Promise.reject(new Error('not asked')),
  };
}

test('a build that writes a version which the database no longer holds does not start', async () => {
  const older = releasedAs(links['COMM-020'], { reads: 1, writes: 0 });
  await refuseRemoved(schemaWith(), [older], REMOVALS);
  await refuseRemoved(undefined, [older], REMOVALS);
  await refuseRemoved(schemaWith('requireKnowledgeArea'), [links['COMM-020']], REMOVALS);
  await assert.rejects(refuseRemoved(schemaWith('requireKnowledgeArea'), [older], REMOVALS), {
    code: 'INVALID_RELEASE',
    message: /writes COMM-020 v0, .*'requireKnowledgeArea'\): start a build that writes v1/,
  });
});
