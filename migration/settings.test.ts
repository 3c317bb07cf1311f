import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MigrationError } from './errors.ts';
import { parseSettings, SETTING_NAMES } from './settings.ts';

describe('settings of a run', () => {
  it('have defaults, each of which may be given', () => {
    const defaults = parseSettings({});
    assert.deepEqual(Object.keys(defaults).sort(), [...SETTING_NAMES].sort());
    const texts = Object.entries(defaults).map(([name, value]) => [name, String(value)]);
    assert.deepEqual(parseSettings(Object.fromEntries(texts)), defaults);
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
