/**
 * The system as a list and as a drawing: services, their replicas, and the links between them.
 */
import {
  type GetTopologyResponse,
  GetTopologyResponseSchema,
  type Leg,
  type TopologyService,
} from '../../../gen/relink/v1/operator_pb.ts';
import { toJsonShape } from './json.ts';
import { formatWarnings, shortRoutes } from './linkView.ts';
import type { Layout, View } from './output.ts';
import { cleanText } from './paint.ts';
import { formatTable } from './table.ts';

export function viewTopology(topology: GetTopologyResponse): View {
  return {
    json: () => toJsonShape(GetTopologyResponseSchema, topology),
    text: (layout) => formatTopology(topology, layout),
  };
}

function formatTopology({ services, links }: GetTopologyResponse, layout: Layout): string[] {
  const { paint } = layout;
  const replicas = services.map((service) => [
    paint('bold', service.name),
    ...sayReplicas(service, layout),
  ]);
  const arrows = links.flatMap((link) =>
    link.legs.map((leg) => [
      paint('bold', link.id),
      link.kind,
      sayDirection(link.producer, leg),
      shortRoutes(leg.routes).join('\n'),
      link.transports.join(', '),
    ]),
  );
  return [
    ...formatTable(
      [{ header: 'service' }, { header: 'up' }, { header: 'addresses' }],
      replicas,
      layout,
    ),
    '',
    ...formatTable(
      [
        { header: 'link', isGroup: true },
        { header: 'kind', isGroup: true },
        { header: 'goes' },
        { header: 'by' },
        { header: 'can go by' },
      ],
      arrows,
      layout,
    ),
    ...formatWarnings(links, layout),
  ];
}

/** By pull nothing is delivered: the consumer asks when it needs the value. */
function sayDirection(producer: string, leg: Leg): string {
  return isPulled(leg) ? `${leg.consumer} asks ${producer}` : `${producer} → ${leg.consumer}`;
}

function isPulled({ routes }: Leg): boolean {
  return routes.length > 0 && routes.every(({ transport }) => transport === 'pull');
}

function sayReplicas({ replicas }: TopologyService, { paint }: Layout): string[] {
  const up = replicas.filter((replica) => replica.up).length;
  const tone = up === replicas.length && up > 0 ? 'green' : 'red';
  const addresses = replicas.map((one) =>
    one.up ? cleanText(one.address) : `${paint('red', cleanText(one.address))} (down)`,
  );
  return [paint(tone, `${up}/${replicas.length}`), addresses.join(', ')];
}

function sayRoutes({ routes }: Leg): string {
  return shortRoutes(routes).join(', ');
}

/**
 * A mermaid flowchart: a solid arrow is a call, a dotted one an event, a thick one a query by who
 * asks. Legs with a warning are red.
 */
export function formatMermaid({ services, links }: GetTopologyResponse): string[] {
  const names = new Set(services.map(({ name }) => name));
  for (const { producer, legs } of links) {
    for (const name of [producer, ...legs.map(({ consumer }) => consumer)]) names.add(name);
  }
  const legs = links.flatMap(({ id, producer, legs: own }) =>
    own.map((leg) => ({ id, producer, leg })),
  );
  const edges = legs.map(({ id, producer, leg }) => {
    const [from, to] = isPulled(leg) ? [leg.consumer, producer] : [producer, leg.consumer];
    const label = `${id}<br/>${isPulled(leg) ? 'asks, ' : ''}${sayRoutes(leg)}`;
    return `  ${nodeOf(from)} ${arrowOf(leg)}|"${label}"| ${nodeOf(to)}`;
  });
  const ill = legs.flatMap(({ leg }, at) => (leg.warnings.length > 0 ? [at] : []));
  return [
    'flowchart LR',
    ...[...names].map((name) => `  ${nodeOf(name)}["${name}"]`),
    ...edges,
    ...(ill.length > 0 ? [`  linkStyle ${ill.join(',')} stroke:#c00,color:#c00`] : []),
  ];
}

const ARROWS: Readonly<Record<string, string>> = { sync: '-->', async: '-.->', pull: '==>' };

function arrowOf({ routes }: Leg): string {
  const largest = routes.toSorted((a, b) => b.lanes.length - a.lanes.length)[0];
  return ARROWS[largest?.transport ?? ''] ?? '-->';
}

/** `end` and the like are words of mermaid's own. */
function nodeOf(name: string): string {
  return `s_${name.replace(/\W/g, '_')}`;
}
