import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readStartOptions } from './startOptions.ts';

test('without arguments it is one process of each service, no traffic and the usual ports', () => {
  const { dataDir, ...rest } = readStartOptions([]);
  assert.match(dataDir, /\.relink$/);
  assert.deepEqual(rest, {
    fresh: false,
    json: false,
    traffic: 0,
    replicas: 1,
    natsNodes: 1,
    portBase: 7070,
    watch: false,
    inspect: [],
    logLevel: 'info',
    failpoints: {},
  });
});

test('processes to inspect and failpoints are named one by one or several at once', () => {
  const options = readStartOptions([
    ...['--inspect', 'hiring,bonuses', '--inspect', 'operator', '--inspect', 'hiring'],
    ...['--failpoint', 'hiring:relay.after-publish=kill@3'],
    ...['--failpoint', 'hiring:relay.after-read=pause:500'],
    ...['--failpoint', 'operator:engine.after-checkpoint=exit'],
  ]);
  assert.deepEqual(options.inspect, ['hiring', 'bonuses', 'operator']);
  assert.deepEqual(options.failpoints, {
    hiring: 'relay.after-publish=kill@3,relay.after-read=pause:500',
    operator: 'engine.after-checkpoint=exit',
  });
});

test('what does not fit is refused with what does', () => {
  const refused: [args: string[], message: RegExp][] = [
    [['--traffic', 'much'], /--traffic takes a whole number from 0 to 10000, not "much"/],
    [['--inspect', 'hirng'], /--inspect takes one of assessments, .*operator, not "hirng"/],
    [['--nats-nodes', '2'], /--nats-nodes takes one of 1, 3, not "2"/],
    [['--log-level', 'loud'], /--log-level takes one of trace, .*, not "loud"/],
    [['--failpoint', 'relay.after-read=kill'], /--failpoint takes NAME:POINT=ACTION/],
    [['--failpoint', 'nobody:relay.after-read=kill'], /--failpoint takes one of .*not "nobody"/],
    [['--bogus'], /--bogus/],
  ];
  for (const [args, message] of refused) assert.throws(() => readStartOptions(args), message);
});
