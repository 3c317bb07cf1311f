import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { LegRouteSchema } from '../../../gen/relink/v1/operator_pb.ts';
import { formatLanes, shortRoutes } from './linkView.ts';

const routeOf = (transport: string, lanes: number[], epoch: bigint) =>
  create(LegRouteSchema, { transport, lanes, epoch });

test('lanes read as ranges', () => {
  assert.equal(formatLanes([0, 1, 2, 5, 7, 8]), '0–2, 5, 7–8');
});

test('a leg that goes one way shows it without lanes, whatever the epochs', () => {
  const routes = [routeOf('async', [0], 2n), routeOf('async', [1, 2, 3], 3n)];
  assert.deepEqual(shortRoutes(routes), ['async v0']);
});

test('a leg that goes two ways shows how many lanes each has', () => {
  const routes = [
    routeOf('async', [0], 2n),
    routeOf('async', [1], 3n),
    routeOf('sync', [2, 3], 1n),
  ];
  assert.deepEqual(shortRoutes(routes), ['async v0 2/4', 'sync v0 2/4']);
});
