import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { DescribeResponseSchema } from '../../gen/relink/v1/participant_pb.ts';
import type { DescribedReplica } from '../participants.ts';
import type { StepContext } from '../plan.ts';
import { readsVersion, writesVersion } from './releases.ts';

const LINK = 'COMM-040';
const run = {
  ...{ link: LINK, producer: 'hiring', consumers: ['bonuses'] },
  to: { transport: 'sync', version: 1 },
};

/** A process that reads versions of SolutionCompleted up to one, and writes another. */
function processOf(side: 'produces' | 'consumes', reads: number, writtenVersion: number) {
  const versions = [0, 1].filter((version) => version <= reads);
  const events = [
    { name: 'SolutionCompleted', versions, writtenVersion },
    { name: 'SolutionRevoked', versions: [0] },
  ];
  return create(DescribeResponseSchema, { [side]: [{ id: LINK, events }] });
}

async function read(
  measure: typeof readsVersion,
  replicas: Readonly<Record<string, readonly DescribedReplica['description'][]>>,
) {
  const participants = {
    replicas: async (service: string) =>
      replicas[service]!.map((description, i) => ({ address: `${service}:${i}`, description })),
  };
  const readings = await measure.read({ run, participants } as unknown as StepContext);
  return readings.map(({ verdict, value }) => [verdict, value]);
}

const hiring = (reads: number, writes: number) => processOf('produces', reads, writes);
const bonuses = (reads: number) => processOf('consumes', reads, 0);

describe('releases as gates', () => {
  it('pass when every process of both sides reads the version, and one event did not change', async () => {
    const all = { hiring: [hiring(1, 0), hiring(1, 0)], bonuses: [bonuses(1)] };
    assert.deepEqual(await read(readsVersion, all), [
      ['pass', '2 of 2'],
      ['pass', '1 of 1'],
    ]);
  });

  it('name each process that does not read it, and each that does not answer', async () => {
    const some = { hiring: [hiring(1, 0), undefined], bonuses: [bonuses(1), bonuses(0)] };
    assert.deepEqual(await read(readsVersion, some), [
      ['wait', 'hiring:1 does not answer'],
      ['wait', 'bonuses:1 does not read SolutionCompleted'],
    ]);
  });

  it('name each process of the producer that writes an older one', async () => {
    const some = { hiring: [hiring(1, 0), hiring(1, 1)], bonuses: [bonuses(0)] };
    assert.deepEqual(await read(writesVersion, some), [
      ['wait', 'hiring:0 writes SolutionCompleted v0'],
    ]);
  });

  it('wait when no process knows the version at all', async () => {
    const none = { hiring: [hiring(0, 0)], bonuses: [bonuses(0)] };
    const [[verdict, value]] = (await read(writesVersion, none)) as [[string, string]];
    assert.deepEqual([verdict, value], ['wait', 'no process knows it of any event']);
  });
});
