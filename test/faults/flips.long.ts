import { test } from 'node:test';
import { readEnvironment } from '../../runtime/environment.ts';
import { seedOf } from '../rigs/random.ts';
import { runFlips } from './flips.ts';

test('1,000 flips of routes under kills and freezes lose, double and reorder nothing', (t) =>
  runFlips(t, { flips: 1_000, faultEvery: 4, seed: seedOf(readEnvironment('RELINK_TEST_SEED')) }));
