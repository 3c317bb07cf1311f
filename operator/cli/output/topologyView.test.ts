import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { GetTopologyResponseSchema } from '../../../gen/relink/v1/operator_pb.ts';
import { formatLink } from './linkView.ts';
import { plainPaint } from './paint.ts';
import { formatMermaid, viewTopology } from './topologyView.ts';

const layout = { width: 80, paint: plainPaint, now: 0 };
const LANES = Array.from({ length: 16 }, (_, lane) => lane);

/** COMM-060 with so many of its lanes by pull, and COMM-080 with something wrong. */
function topologyOf(pulled: number) {
  const routes = [
    { transport: 'pull', lanes: LANES.slice(0, pulled) },
    { transport: 'async', lanes: LANES.slice(pulled) },
  ];
  const rating = { id: 'COMM-060', kind: 'formal', producer: 'hiring', transports: ['async'] };
  const money = { id: 'COMM-080', kind: 'functional', producer: 'bonuses' };
  return create(GetTopologyResponseSchema, {
    services: ['hiring', 'bonuses', 'finance'].map((name) => ({
      name,
      replicas: [{ address: `${name}:1`, up: true }],
    })),
    links: [
      {
        ...rating,
        transports: ['async', 'pull'],
        legs: [{ consumer: 'bonuses', routes: routes.filter(({ lanes }) => lanes.length > 0) }],
      },
      {
        ...money,
        immovableReason: 'it authorises money',
        transports: ['sync'],
        legs: [
          {
            consumer: 'finance',
            routes: [{ transport: 'sync', lanes: LANES }],
            warnings: ['unrouted writer: 1 message reached finance'],
          },
        ],
      },
    ],
  });
}

test('a pulled link is shown as its consumer asking the owner', () => {
  const text = viewTopology(topologyOf(16)).text(layout).join('\n');
  assert.match(text, /COMM-060 +formal +bonuses asks hiring +pull v0 +async, pull/);
  const drawn = formatMermaid(topologyOf(16)).join('\n');
  assert.match(drawn, /s_bonuses ==>\|"COMM-060<br\/>asks, pull v0"\| s_hiring/);
});

test('a link that is half pulled is still shown as sent, with the lanes of each way', () => {
  const text = viewTopology(topologyOf(4)).text(layout).join('\n');
  assert.match(text, /COMM-060 +formal +hiring → bonuses +pull v0 4\/16 .*\n +async v0 12\/16/);
  const drawn = formatMermaid(topologyOf(4)).join('\n');
  assert.match(drawn, /s_hiring -\.->\|"COMM-060<br\/>pull v0 4\/16, async v0 12\/16"\| s_bonuses/);
});

test('what is wrong with a leg is said under the topology, and red in the drawing', () => {
  const text = viewTopology(topologyOf(0)).text(layout).join('\n');
  assert.match(text, /! COMM-080 finance: unrouted writer: 1 message reached finance/);
  assert.equal(formatMermaid(topologyOf(0)).at(-1), '  linkStyle 1 stroke:#c00,color:#c00');
});

test('a link says where it can go, or why it stays', () => {
  const [rating, money] = topologyOf(16).links;
  assert.ok(formatLink(rating!, layout).includes('can go by async, pull'));
  assert.ok(formatLink(money!, layout).includes('stays as it is: it authorises money'));
  assert.match(formatLink(rating!, layout).join('\n'), /nothing is sent: it asks hiring/);
});
