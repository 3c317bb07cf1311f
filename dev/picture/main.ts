/**
 * `npm run picture`: writes the pictures of README again. `company` is drawn from the map of links,
 * `move` is recorded from a real move (two minutes). Both unless one is named.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { links } from '../../services/links.ts';
import { PROJECT_DIR } from '../servers/folders.ts';
import { drawCompany } from './company.ts';
import { recordMove } from './move.ts';

const EXIT_USAGE = 2;
const say = (line: string) => process.stderr.write(`${line}\n`);

const PICTURES: Readonly<Record<string, () => string | Promise<string>>> = {
  company: () => drawCompany(links),
  move: () => recordMove(say),
};

async function main(names: readonly string[]): Promise<number> {
  const wanted = names.length > 0 ? names : Object.keys(PICTURES);
  const unknown = wanted.filter((name) => !PICTURES[name]);
  if (unknown.length > 0) {
    say(
      `usage: npm run picture -- [${Object.keys(PICTURES).join(' | ')}], not ${unknown.join(' ')}`,
    );
    return EXIT_USAGE;
  }
  for (const name of wanted) {
    const file = join(PROJECT_DIR, 'docs', 'pictures', `${name}.svg`);
    await writeFile(file, await PICTURES[name]!());
    say(file);
  }
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
