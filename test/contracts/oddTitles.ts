/** Titles as people and programs write them, and as nobody should. */
import fc from 'fast-check';

const pieces = [
  '[',
  ']',
  '] ',
  '[A] ',
  '[Linear Algebra] ',
  '[]',
  '[[',
  ' ',
  '  ',
  '\u00a0',
  '\u2028',
];
const letters = [
  'A',
  'x',
  'é',
  'e\u0301',
  'Ж',
  '数',
  'שלום',
  '👩\u200d🎓',
  '𝔘',
  "'",
  '\\',
  '"',
  '%',
  '$1',
];

/** 1 to 300 code points, no control characters. */
export const oddTitles: fc.Arbitrary<string> = fc
  .oneof(
    fc.array(fc.constantFrom(...pieces, ...letters), { maxLength: 12 }),
    fc.tuple(fc.constantFrom(...pieces), longText(), fc.constantFrom(...pieces), longText()),
  )
  .map((parts) => [...parts.join('')].slice(0, 300).join(''))
  .filter((title) => title !== '');

function longText(): fc.Arbitrary<string> {
  const lengths = fc.constantFrom(1, 5, 140, 146, 295, 296, 297);
  return fc
    .tuple(fc.constantFrom('a', '𝔘', '数'), lengths)
    .map(([one, times]) => one.repeat(times));
}
