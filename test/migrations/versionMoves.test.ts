/** What `relink plan LINK --to v1` makes of a formal link, and what it refuses. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  type EventDescriptionSchema,
  type GetSchemaResponseSchema,
  type LinkDescriptionSchema,
  LinkKind,
} from '../../gen/relink/v1/participant_pb.ts';
import { Transport as Wire } from '../../gen/relink/v1/route_pb.ts';
import { MigrationError } from '../../migration/errors.ts';
import { Participants } from '../../migration/participants.ts';
import { planOf } from '../../migration/plans/index.ts';
import { type MoveRequest, resolveMove } from '../../migration/run/starting.ts';
import { planToWire } from '../../operator/status.ts';
import type { Owner } from '../harness/owner.ts';
import { type Played, playService, syncToAsync } from '../rigs/oneStep.ts';

type Link = MessageInitShape<typeof LinkDescriptionSchema>;
type Event = MessageInitShape<typeof EventDescriptionSchema>;

const ROUTES: Readonly<Record<string, Wire>> = { 'COMM-020': Wire.ASYNC, 'COMM-021': Wire.SYNC };

function eventOf(name: string, step: Event['steps'] = []): Event {
  return { name, versions: [0, 1], steps: step };
}

const split = [{ older: 0, newer: 1, loss: 'lossless', words: ['title is split'] }];
const anonymised = [
  { older: 0, newer: 1, loss: 'lossy with complement', complement: ['first_name', 'last_name'] },
];

function linkOf(id: string, entity: string, event: Event, consumers = ['hiring']): Link {
  const kind = entity === '' ? LinkKind.FUNCTIONAL : LinkKind.FORMAL;
  return {
    ...{ id, entity, consumers, kind, producer: 'assessments', events: [event] },
    transports: [Wire.SYNC, Wire.ASYNC],
  };
}

const created = linkOf('COMM-020', 'assessment', eventOf('AssessmentCreated', split));
const updated = linkOf('COMM-021', 'assessment', eventOf('AssessmentUpdated', split));
const manager = linkOf('COMM-010', 'manager', eventOf('ManagerCreated', anonymised));

function asOlderBuildSays(link: Link): Link {
  const events = link.events!.map(({ name = '' }) => ({ name, versions: [0] }));
  return { ...link, events } as Link;
}

async function open(
  t: Owner,
  produces: Link[],
  due: MessageInitShape<typeof GetSchemaResponseSchema>['due'] = [],
  versions: Readonly<Record<string, number>> = {},
) {
  const getRoutes: Played['getRoutes'] = async ({ link }) => ({
    lanes: [{ transport: ROUTES[link] ?? Wire.SYNC, version: versions[link] ?? 0, epoch: 1n }],
  });
  const assessments = await playService(t, {
    describe: async () => ({ service: 'assessments', produces }),
    getSchema: async () => ({ due }),
    getRoutes,
  });
  // An older build beside: it knows neither the version nor schemas, and may be asked first.
  const older = await playService(t, {
    describe: async () => ({ service: 'assessments', produces: produces.map(asOlderBuildSays) }),
    getSchema: async () => ({}),
    getRoutes,
  });
  const consumer = await playService(t, {
    describe: async () => ({}),
    getSchema: async () => ({}),
  });
  const services = { hiring: [consumer], bonuses: [consumer] };
  const participants = new Participants({ assessments: [older, assessments], ...services });
  t.after(() => participants.close());
  return (request: Partial<MoveRequest>, live: Parameters<typeof resolveMove>[2] = []) =>
    resolveMove(
      participants,
      {
        ...{ link: 'COMM-020', to: 'v1', consumer: '', wayBack: 'keep', actor: 'ada' },
        ...{ isStepByStep: false, isHeld: true, settings: {}, ...request },
      },
      live,
    );
}

function refused(message: RegExp, field?: string) {
  return (error: unknown) => {
    assert.ok(error instanceof MigrationError);
    assert.equal(error.code, 'LINK_NOT_MOVABLE');
    assert.match(error.message, message);
    assert.equal(error.fields[0]?.field, field);
    return true;
  };
}

describe('a formal link to another contract version', () => {
  it('moves with the links of the same entity, each by its own transport', async (t) => {
    const resolve = await open(t, [created, updated, manager]);
    const { run, plan } = await resolve({});
    assert.equal(plan.name, 'formal-version');
    const from = { transport: 'sync', version: 0 };
    const to = { transport: 'sync', version: 1 };
    assert.deepEqual(run.others, [{ link: 'COMM-021', consumers: ['hiring'], from, to }]);
    const rebuilt = planOf(run)!;
    assert.deepEqual(
      rebuilt.steps.map(({ name }) => name),
      plan.steps.map(({ name }) => name),
    );
  });

  it('moves alone when the others have arrived, consume elsewhere, or keep their version', async (t) => {
    const elsewhere = linkOf('COMM-022', 'assessment', eventOf('Other', split), ['bonuses']);
    const older = linkOf('COMM-023', 'assessment', { name: 'Old', versions: [0] });
    const resolve = await open(t, [created, updated, elsewhere, older], [], { 'COMM-021': 1 });
    assert.deepEqual((await resolve({})).run.others, []);
    assert.deepEqual((await resolve({ to: 'sync' })).run.others, []);
  });

  it('is refused while another run holds one of them, and with another transport at once', async (t) => {
    const resolve = await open(t, [created, updated]);
    const holder = {
      ...syncToAsync(['hiring']),
      id: 'r',
      link: 'COMM-021',
      state: 'running',
      memory: {},
    };
    await assert.rejects(resolve({}, [holder as never]), { code: 'LINK_BUSY' });
    await assert.rejects(
      resolve({ to: 'sync,v1' }),
      refused(/COMM-021 moves with it.*--to sync and --to v1/),
    );
    assert.equal(
      (await resolve({ link: 'COMM-020', to: 'sync' })).plan.name,
      'formal-async-to-sync',
    );
  });

  it('may change its transport at once when it is alone', async (t) => {
    const resolve = await open(t, [created]);
    const { plan } = await resolve({ to: 'sync,v1' });
    assert.equal(plan.name, 'formal-async-to-sync-and-version');
    const names = plan.steps.map(({ name }) => name);
    const order = ['release-writes', 'parity', 'restore-rows', 'way-back', 'route-all'];
    const after = ['store-rows', 'parity-as-stored', 'soak', 'complete', 'contract-schema'];
    const at = [...order, ...after].map((name) => names.indexOf(name));
    assert.deepEqual(
      at,
      at.toSorted((a, b) => a - b),
      names.join(),
    );
    assert.ok(!at.includes(-1));
  });

  it('says of each event what is lost', async (t) => {
    const resolve = await open(t, [created, updated]);
    const plan = planToWire(await resolve({}));
    assert.deepEqual(
      plan.links!.map(({ link, to, events }) => [link, to, events![0]!.loss]),
      [
        ['COMM-020', 'async v1', 'lossless'],
        ['COMM-021', 'sync v1', 'lossless'],
      ],
    );
    assert.deepEqual(plan.links![0]!.events![0]!.words, ['title is split']);
  });

  it('has to say how the way back works when complete removes something', async (t) => {
    const due = [{ version: 1, name: 'dropManagerNames' }];
    const resolve = await open(t, [manager], due);
    const naive = resolve({ link: 'COMM-010', wayBack: '' });
    await assert.rejects(naive, refused(/ManagerCreated.*first_name and last_name/, 'way_back'));
    const move = await resolve({ link: 'COMM-010' });
    const [link] = planToWire(move).links!;
    assert.match(
      link!.events![0]!.words!.at(-1)!,
      /owner gives first_name and last_name.*complete/,
    );
    const kept = await open(t, [manager]);
    assert.equal((await kept({ link: 'COMM-010', wayBack: '' })).run.wayBack, 'keep');
  });

  it('says what a move without a way back loses, when, and for good', async (t) => {
    const resolve = await open(t, [manager, created], [{ version: 1, name: 'dropManagerNames' }]);
    const wordsOf = async (link: string, wayBack: string) => {
      const plan = planToWire(await resolve({ link, wayBack }));
      return plan.links![0]!.events![0]!.words!.join('; ');
    };
    assert.match(
      await wordsOf('COMM-010', 'none'),
      /once the last lanes begin to move, nothing brings first_name and last_name back to a consumer; complete removes what consumers still hold of them, irrevocably/,
    );
    assert.doesNotMatch(await wordsOf('COMM-010', 'none'), /on the way back/);
    assert.match(
      await wordsOf('COMM-020', 'none'),
      /nothing of it is lost, but once the last lanes begin to move, v0 cannot be taken up again by this run/,
    );
    assert.doesNotMatch(await wordsOf('COMM-020', 'keep'), /lanes begin/);
  });

  it('has no way back when the mapping has lost something', async (t) => {
    const lost = [{ older: 0, newer: 1, loss: 'irreversible' }];
    const resolve = await open(t, [linkOf('COMM-010', 'manager', eventOf('ManagerCreated', lost))]);
    for (const wayBack of ['', 'keep'])
      await assert.rejects(
        resolve({ link: 'COMM-010', wayBack }),
        refused(/ManagerCreated v1 has lost what v0 needs/, 'way_back'),
      );
    assert.equal((await resolve({ link: 'COMM-010', wayBack: 'none' })).run.wayBack, 'none');
  });

  it('says of a functional link that goes to an older version what is lost', async (t) => {
    const added = [
      { older: 0, newer: 1, loss: 'lossless', drops: ['accepted_by'], words: ['new'] },
    ];
    const solved = linkOf('COMM-040', '', eventOf('SolutionCompleted', added));
    const resolve = await open(t, [solved], [], { 'COMM-040': 1 });
    for (const wayBack of ['', 'keep', 'none']) {
      const plan = planToWire(await resolve({ link: 'COMM-040', to: 'v0', wayBack }));
      assert.deepEqual(plan.links![0]!.events, [
        {
          ...{ name: 'SolutionCompleted', from: 1, to: 0, loss: 'irreversible' },
          ...{ complement: [], drops: ['accepted_by'] },
          words: ['v0 cannot hold accepted_by: consumers do not get it of what is sent as v0'],
        },
      ]);
    }
    const asked = linkOf('COMM-040', '', eventOf('SolutionCompleted', anonymised));
    const other = await open(t, [asked], [], { 'COMM-040': 1 });
    const [link] = planToWire(await other({ link: 'COMM-040', to: 'v0', wayBack: '' })).links!;
    const { loss, words } = link!.events![0]!;
    assert.deepEqual(
      [loss, words],
      ['lossy with complement', ['the owner gives first_name and last_name, which v0 needs']],
    );
  });

  it('does not go back to an older version by a run of its own', async (t) => {
    const resolve = await open(t, [created], [], { 'COMM-020': 1 });
    await assert.rejects(resolve({ to: 'v0' }), { code: 'LINK_NOT_MOVABLE' });
  });
});
