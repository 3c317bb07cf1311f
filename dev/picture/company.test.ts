import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { defineLinks } from '../../link/link.ts';
import { links } from '../../services/links.ts';
import { PROJECT_DIR } from '../servers/folders.ts';
import { drawCompany } from './company.ts';

test('the picture of the company is drawn from the map as it is (npm run picture -- company)', () => {
  const file = join(PROJECT_DIR, 'docs', 'pictures', 'company.svg');
  assert.equal(readFileSync(file, 'utf8'), drawCompany(links));
});

test('every leg has an arrow of its starting transport, and says where it can move', () => {
  const picture = drawCompany(links);
  const legs = Object.values(links).flatMap(({ consumers, ...link }) =>
    Object.keys(consumers).map(() => link),
  );
  for (const transport of ['sync', 'async']) {
    const arrows = picture.match(new RegExp(`class="way ${transport}" d="[^"]+"`, 'g')) ?? [];
    const starting = legs.filter(({ starts }) => starts.transport === transport);
    assert.equal(arrows.length, starting.length + 1, `${transport}, and one of the legend`);
  }
  assert.match(picture, /COMM-060<\/tspan>.{0,60}async<\/tspan>.{0,60}⇄ pull</);
  assert.match(picture, /COMM-080<\/tspan>.{0,60}sync<\/tspan>.{0,60}always</);
});

test('a service without a place of its own stands below the others', () => {
  const all = Object.values(links);
  const first = all[0]!;
  const push = Object.values(first.consumers)[0]!;
  const extended = defineLinks([
    ...all,
    { ...first, id: 'COMM-990', consumers: { notices: push } },
  ]);
  const picture = drawCompany(extended);
  const topOf = (name: string) =>
    Number(
      new RegExp(`<rect class="box" x="\\d+" y="(\\d+)"[^>]*/><text[^>]*>${name}<`).exec(
        picture,
      )![1],
    );
  assert.ok(topOf('notices') > topOf('bonuses'));
});
