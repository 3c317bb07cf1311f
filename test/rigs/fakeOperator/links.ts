/** A small system for the tests of the operator's clients. */

const LANES = Array.from({ length: 16 }, (_, lane) => lane);

export const LINKS = [
  {
    id: 'COMM-010',
    kind: 'formal',
    producer: 'assessments',
    legs: [
      {
        consumer: 'hiring',
        routes: [
          { lanes: LANES.slice(0, 4), transport: 'async', version: 0, epoch: 3n },
          { lanes: LANES.slice(4), transport: 'sync', version: 0, epoch: 1n },
        ],
        outboxOpen: 1204n,
        oldestOpenMs: 350n,
        streamPending: 12n,
        ackPending: 3n,
        deadLetters: 2n,
        warnings: ['listens on the stream COMM-010 where nobody sends'],
      },
      {
        consumer: 'bonuses',
        routes: [{ lanes: LANES, transport: 'sync', version: 0, epoch: 1n }],
      },
    ],
  },
  {
    id: 'COMM-040',
    kind: 'functional',
    producer: 'hiring',
    legs: [
      {
        consumer: 'bonuses',
        routes: [{ lanes: LANES, transport: 'sync', version: 0, epoch: 1n }],
      },
    ],
  },
];

export const PLAN = [
  {
    name: 'preflight',
    title: 'Check contract, consumers and both paths with probes',
    number: '1',
    kind: 'gate',
    undo: '',
  },
  {
    name: 'prepare',
    title: 'Create the stream and its durable consumers',
    number: '2',
    kind: 'step',
    undo: 'the stream and its consumers are removed',
  },
  {
    name: 'shadow',
    title: 'Carry copies on the new path and compare them',
    number: '3',
    kind: 'gate',
    undo: 'copies stop',
  },
  {
    name: 'route-all',
    title: 'Route all lanes by events',
    number: '4',
    kind: 'step',
    undo: 'all lanes go by the call again',
  },
  {
    name: 'complete',
    title: 'Give up the way back and remove what the call left',
    number: '6',
    kind: 'step',
    undo: '',
  },
];
