import { test } from 'node:test';
import { readEnvironment } from '../../runtime/environment.ts';
import { seedOf } from '../rigs/random.ts';
import { runFlips } from './flips.ts';

test('nothing is lost, doubled or out of order over flips of routes under kills and freezes', (t) =>
  runFlips(t, { flips: 48, faultEvery: 3, seed: seedOf(readEnvironment('RELINK_TEST_SEED')) }));
