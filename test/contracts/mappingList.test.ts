/** What `relink contracts diff` says of mappings is what the services have. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { links } from '../../services/links.ts';
import { mappings } from '../../services/mappings/index.ts';

const FILE = 'services/mappings/mappings.json';

const listed = mappings.map((mapping) => {
  const { older, newer, loss, complement, drops } = mapping;
  const moved = Object.values(links).filter((link) => link.mappings?.includes(mapping));
  const versions = { event: older.event, older: older.version, newer: newer.version };
  return { ...versions, loss, complement, drops, links: moved.map(({ id }) => id) };
});

test(`${FILE} lists every mapping, what it loses, and the links that move by it`, () => {
  const text = readFileSync(join(import.meta.dirname, '..', '..', FILE), 'utf8');
  const wanted = JSON.stringify(listed, null, 2);
  assert.deepEqual(JSON.parse(text), JSON.parse(wanted), `write into ${FILE}:\n${wanted}`);
});
