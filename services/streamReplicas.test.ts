import assert from 'node:assert/strict';
import { test } from 'node:test';
import { links } from './links.ts';
import { demandReplicas } from './streamReplicas.ts';

test('a deployment demands more replicas of every stream, and none fewer than a link says', () => {
  const money = { ...links['COMM-040'], stream: { replicas: 5, maxBytes: 7 } } as const;
  const map = { ...links, 'COMM-040': money };
  const demanding = demandReplicas(map, 3);
  assert.deepEqual(demanding['COMM-010'].stream, { replicas: 3 });
  assert.deepEqual(demanding['COMM-040'].stream, { replicas: 5, maxBytes: 7 });
  assert.deepEqual(demandReplicas(map, 0), map);
});
