import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { MigrationError } from './errors.ts';
import { describeSettings, parseSettings, SETTING_NAMES, withDefaults } from './settings.ts';

describe('settings of a run', () => {
  it('have defaults, each of which may be given', () => {
    const defaults = parseSettings({});
    assert.deepEqual(Object.keys(defaults).sort(), [...SETTING_NAMES].sort());
    const texts = Object.entries(defaults).map(([name, value]) => [name, String(value)]);
    assert.deepEqual(parseSettings(Object.fromEntries(texts)), defaults);
  });

  it('are the defaults where a run of an older program does not have them', () => {
    const { recent_seconds: _, ...older } = parseSettings({ soak_seconds: '7' });
    assert.deepEqual(withDefaults(older), parseSettings({ soak_seconds: '7' }));
  });

  it('are documented with default, range and unit', () => {
    const page = readFileSync(new URL('../docs/settings.md', import.meta.url), 'utf8');
    const rows = describeSettings().map(({ name, default: value, min, max, unit, about }) => {
      const range = `${min.toLocaleString('en')} – ${max.toLocaleString('en')}`;
      return `| \`${name}\` | ${value.toLocaleString('en')} | ${range} | ${unit} | ${about} |`;
    });
    for (const row of rows) assert.ok(page.includes(row), `docs/settings.md lacks:\n${row}`);
    const documented = [...page.matchAll(/^\| `(\w+)` \|/gm)].map((match) => match[1]);
    assert.deepEqual(documented.sort(), [...SETTING_NAMES].sort());
  });

  it('are refused when a window is shorter than the lag that it judges', () => {
    assert.throws(
      () => parseSettings({ canary_seconds: '3' }),
      /settings.canary_seconds \(3 s\) is shorter than lag_limit_ms \(5000 ms\)/,
    );
    assert.throws(() => parseSettings({ lag_limit_ms: '60000' }), /canary_seconds.*soak_seconds/);
    assert.equal(parseSettings({ canary_seconds: '0.5', lag_limit_ms: '500' }).lag_limit_ms, 500);
  });

  it('are refused all at once, with the name that was probably meant', () => {
    const texts = { soak_secnds: '5', lag_limit_ms: 'soon', on_fail: 'cry', error_rate_limit: '2' };
    assert.throws(
      () => parseSettings(texts),
      (error: unknown) => {
        assert.ok(error instanceof MigrationError);
        assert.equal(error.code, 'REQUEST_INVALID');
        assert.deepEqual(
          error.fields.map(({ field }) => field),
          Object.keys(texts).map((name) => `settings.${name}`),
        );
        assert.match(error.fields[0]!.description, /did you mean soak_seconds/);
        assert.match(error.fields[1]!.description, /number from 1/);
        return true;
      },
    );
  });
});
