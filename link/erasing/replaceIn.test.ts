import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hashPhrase, LONGEST, PhraseSearch, soughtOf, wordsOf } from './phrases.ts';
import { replaceIn } from './replaceIn.ts';

const SALT = 'a salt of this search';
const ALIAS = 'calm-otter-3f9a02c1d4';

/** A search for these phrases, and the alias for all of them. */
function searchFor(...phrases: string[]) {
  const hashes = phrases
    .flatMap((phrase) => soughtOf(wordsOf(phrase)))
    .map((words) => hashPhrase(SALT, words));
  const search = new PhraseSearch({ salt: SALT, longest: LONGEST, hashes: new Set(hashes) });
  return { search, aliases: new Map(hashes.map((hash) => [hash, ALIAS])) };
}

function replaced(text: string, ...phrases: string[]): string {
  const { search, aliases } = searchFor(...phrases);
  return replaceIn(text, search, aliases);
}

test('the alias takes the place of the words, and all else stays as it was written', () => {
  const of = (text: string) => replaced(text, 'Ada Lovelace', 'Zoë Šimić', 'first name Ada');
  assert.equal(of('ﬁrst ½ ADA \u00a0lovelace’s, ǅ!'), `ﬁrst ½ ${ALIAS}’s, ǅ!`);
  assert.equal(of('x Zoe\u0308 S\u030cimic\u0301 y'), `x ${ALIAS} y`);
  assert.equal(of('Ａｄａ Lovelace'), ALIAS);
  assert.equal(of('Adamant Lovelaces'), 'Adamant Lovelaces');
  assert.equal(of('Ada Lovelace, Ada Lovelace'), `${ALIAS}, ${ALIAS}`);
});

test('JSON stays JSON, and its fields keep their names', () => {
  const of = (text: string) => replaced(text, 'Ada Lovelace', 'first name Ada', 'True Null');
  assert.equal(of('{"first_name":"Ada","n":1.0}'), `{"first_name":"${ALIAS}","n":1.0}`);
  assert.equal(of('["Ada", "Lovelace"]'), `["${ALIAS}", "${ALIAS}"]`);
  assert.equal(of('{"by":"x\\nAda\\tLovelace\\n"}'), `{"by":"x\\n${ALIAS}\\n"}`);
  const inner = JSON.stringify({ a: JSON.stringify({ first_name: 'Ada' }) });
  assert.equal(of(inner), JSON.stringify({ a: JSON.stringify({ first_name: ALIAS }) }));
  assert.equal(replaced('{"by":"\u0301Ada Lovelace"}', '\u0301Ada Lovelace'), `{"by":"${ALIAS}"}`);
  assert.equal(of('[true, null]'), '[true, null]', 'what would break it is left');
});

test('single words, initials and numbers are not sought, and long names are, to their end', () => {
  for (const phrase of ['', '. -', 'Ada', 'A B', '12 30', 'a 1'])
    assert.deepEqual(soughtOf(wordsOf(phrase)), [], phrase);
  for (const phrase of ['A Lovelace', '伟 王']) assert.equal(soughtOf(wordsOf(phrase)).length, 1);
  const long = Array.from({ length: 13 }, (_, i) => `name${i}`).join(' ');
  assert.equal(replaced(`by ${long}.`, long), `by ${ALIAS}.`);
});

test('an alias that has the words of a name is left alone', () => {
  assert.equal(replaced(`by ${ALIAS}`, 'Calm Otter', 'Otter 3f9a02c1d4'), `by ${ALIAS}`);
});

const name = fc
  .tuple(
    fc.string({ unit: 'grapheme', minLength: 1 }),
    fc.string({ unit: 'grapheme', minLength: 1 }),
  )
  .map(([first, last]) => `${first} ${last}`)
  .filter((text) => soughtOf(wordsOf(text)).length > 0);
const around = fc.oneof(fc.string(), fc.string({ unit: 'grapheme' }), fc.constant('\n'));

test('whatever the name, alphabet and text: afterwards nothing is found, and a text without is as it was', () => {
  const texts = fc.array(fc.tuple(around, fc.boolean()), { maxLength: 4 });
  fc.assert(
    fc.property(name, texts, fc.boolean(), (name, parts, isJson) => {
      const plain = parts.map(([text, isNamed]) => (isNamed ? `${text} ${name} ` : text)).join('');
      const text = isJson ? JSON.stringify({ by: plain, also: [plain] }) : plain;
      const { search, aliases } = searchFor(name);
      const after = replaceIn(text, search, aliases);
      assert.equal(search.holds(text), after !== text);
      assert.equal(search.holds(after), false);
      if (isJson) JSON.parse(after);
    }),
    { numRuns: 2000 },
  );
});
