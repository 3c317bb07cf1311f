/** However a name is written, it is found; where it is not, nothing is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hashesOf, phrasesOfEntity } from './listPhrases.ts';
import { LONGEST, PhraseSearch } from './phrases.ts';
import { replaceIn } from './replaceIn.ts';

const SALT = 'a salt of this search';
const ALIAS = 'calm-otter-3f9a02c1d4';
const FIELDS = ['first_name', 'last_name'];

interface Name {
  readonly first: string;
  readonly last: string;
}

function searchFor({ first, last }: Name) {
  const names = [`${first} ${last}`, `${last} ${first}`];
  const fields = { first_name: first, last_name: last };
  const hashes = hashesOf(SALT, phrasesOfEntity({ key: 'a', alias: ALIAS, names, fields }, FIELDS));
  const search = new PhraseSearch({ salt: SALT, longest: LONGEST, hashes: new Set(hashes) });
  return { search, aliases: new Map(hashes.map((hash) => [hash, ALIAS])) };
}

const inScript = (letters: string, least: number) =>
  fc
    .array(fc.constantFrom(...letters), { minLength: least, maxLength: 7 })
    .map((some) => some.join(''));
const capital = (text: string) => text[0]!.toUpperCase() + text.slice(1);
const latin = inScript('abcdefghijklmnoprstuvzäéñøßşžő', 3).map(capital);
const compound = fc
  .tuple(latin, fc.constantFrom("O'", 'D’', 'Mc', 'Jean-'))
  .map(([name, before]) => before + name);
const alphabets = [
  latin,
  compound,
  inScript('абвгдежзиклмнопрст', 3).map(capital),
  inScript('αβγδεζηθικλμνξοπρσς', 3).map(capital),
  inScript('ابتثجحخدذرزسش', 3),
  inScript('अआइकखगघचज', 3),
].map((word) => fc.record({ first: word, last: word }));
const eastern = ['王李张刘陈杨赵黄周吴', '김이박최정강조윤장임', 'さとうたなかゆみこけん'].map(
  (letters) => fc.record({ first: inScript(letters, 1), last: inScript(letters, 1) }),
);

const json = (value: unknown) => JSON.stringify(value);
const escaped = (text: string) =>
  [...json(text)]
    .map((c) =>
      c > '\x7f'
        ? c.replace(/./gs, (u) => `\\u${u.charCodeAt(0).toString(16).padStart(4, '0')}`)
        : c,
    )
    .join('');
type Spelling = (name: Name) => string;
const anywhere: Record<string, Spelling> = {
  'as it is': ({ first, last }) => `${first} ${last}`,
  'the last name first': ({ first, last }) => `${last}, ${first}`,
  'in capitals': ({ first, last }) => `${first} ${last}`.toUpperCase(),
  'in small letters': ({ first, last }) => `${first} ${last}`.toLowerCase(),
  decomposed: ({ first, last }) => `${first} ${last}`.normalize('NFD'),
  'with other spaces': ({ first, last }) => `${first}\u00a0\u2009${last}`,
  'with hidden letters': ({ first, last }) =>
    `${first.slice(0, 1)}\u00ad\u200b${first.slice(1)} ${last}`,
  'with other joints': ({ first, last }) =>
    `${first} ${last}`.replaceAll("'", '\u02bc').replaceAll('-', '\u2011'),
  'without joints': ({ first, last }) => `${first} ${last}`.replace(/['’-]/g, ''),
  'with escapes': ({ first, last }) => escaped(`${first} ${last}`),
  'with escapes in JSON': ({ first, last }) => json({ by: escaped(`${first} ${last}`) }),
  'percent-encoded': ({ first, last }) => `?by=${encodeURIComponent(`${first} ${last}`)}`,
  'in fields': ({ first }) => json({ first_name: first }),
  'in fields as protobuf has them': ({ last }) => json({ lastName: last }),
  'in fields beside one another': ({ first, last }) => json({ given: first, family: last }),
  'in fields, the last name first': ({ first, last }) => json(json({ family: last, given: first })),
};
const joined: Record<string, Spelling> = { joined: ({ first, last }) => `由${first}${last}创建` };
const camel: Record<string, Spelling> = {
  'as one word': ({ first, last }) => first + last,
  'with a space of no width': ({ first, last }) => `${first}\u200b${last}`,
};

const spelt = (names: fc.Arbitrary<Name>[], spellings: Record<string, Spelling>) =>
  fc.tuple(fc.oneof(...names), fc.constantFrom(...Object.values(spellings)));
const named = fc.oneof(
  { weight: 6, arbitrary: spelt([...alphabets, ...eastern], anywhere) },
  { weight: 1, arbitrary: spelt(eastern, joined) },
  { weight: 1, arbitrary: spelt([alphabets[0]!, alphabets[2]!], camel) },
);
const other = fc.lorem({ mode: 'sentences', maxCount: 2 });

test('a name is found in whatever way and place it is written, and its alias leaves nothing of it', () => {
  fc.assert(
    fc.property(named, other, other, ([name, spell], before, behind) => {
      const { search, aliases } = searchFor(name);
      const text = `${before} ${spell(name)}\n${behind}`;
      assert.ok(search.holds(text), text);
      const replaced = replaceIn(text, search, aliases);
      assert.ok(!search.holds(replaced), replaced);
      assert.ok(replaced.startsWith(before) && replaced.endsWith(behind), replaced);
    }),
    { numRuns: 700 },
  );
});

test('where it is not, nothing is found', () => {
  fc.assert(
    fc.property(named, other, ([name], text) => {
      const { search } = searchFor(name);
      assert.ok(!search.holds(text), text);
      assert.ok(!search.holds(json({ firstName: 'x', by: escaped(text) })));
    }),
    { numRuns: 300 },
  );
});

test('letters that people take for one another are one', () => {
  const { search } = searchFor({ first: 'İdris', last: 'Groß' });
  for (const text of ['idris gross', 'IDRIS GROẞ', 'ıdrıs GROSS', 'İDRİS groß'])
    assert.ok(search.holds(text), text);
  assert.ok(searchFor({ first: 'Fiona', last: 'Steﬀen' }).search.holds('ﬁona steffen'));
  assert.ok(searchFor({ first: 'Shane', last: 'ONeill' }).search.holds("shane o'neill"));
});

test('a name written as one word is found, however its words begin, unless that is another word', () => {
  for (const [first, last, text] of [
    ['María Joséa', 'García y Pérez-Núñez', 'by MaríaJoséaGarcíayPérez-Núñez'],
    ['Jean‑Luc', 'd’Artagnan', 'jeanlucdartagnan@example.org'],
    ['Xǁabboa', 'ǃKung', 'XǁabboaǃKung'],
    ['نجيب', 'محفوظة', 'نجيبمحفوظة'],
    ['Ada', 'Lovelace', 'adalovelace'],
  ] as const)
    assert.ok(searchFor({ first, last }).search.holds(text), text);
  assert.ok(!searchFor({ first: 'Li', last: 'Na' }).search.holds('Lina'));
});
