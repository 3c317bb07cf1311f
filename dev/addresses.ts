/** What `npm start` prints: the address of every process and what to try next. */

import { joinAddress } from '../runtime/address.ts';
import { portsFrom } from './ports.ts';
import type { StackAddresses } from './stack.ts';

/** Where the command line looks by itself. */
const DEFAULT_OPERATOR = joinAddress('127.0.0.1', portsFrom().operator.grpc);

type Row = readonly [name: string, address: string, what: string];

/** The table of addresses and the next commands, ending with a line break. */
export function describeStack(addresses: StackAddresses): string {
  return `\n${asTable(rowsOf(addresses))}\n\n${nextCommands(addresses)}\n\nCtrl-C stops all of it.\n`;
}

function rowsOf(addresses: StackAddresses): Row[] {
  const services = Object.entries(addresses.services).flatMap(([name, replicas]) =>
    replicas.flatMap(({ grpc, http }, at): Row[] => {
      const shown = replicas.length > 1 ? `${name} ${at + 1}` : name;
      return [
        [shown, grpc, 'gRPC'],
        ['', http, 'health and metrics'],
      ];
    }),
  );
  const inspectors = Object.entries(addresses.inspectors).map(
    ([name, address]): Row => [name, address, "Node's inspector"],
  );
  const monitor: Row[] = addresses.natsMonitor ? [['', addresses.natsMonitor, 'monitoring']] : [];
  return [
    ['operator', addresses.operator.grpc, 'gRPC'],
    ['', addresses.operator.http, 'health and metrics'],
    ...services,
    ...inspectors,
    ['PostgreSQL', addresses.postgres, `databases ${Object.keys(addresses.databases).join(', ')}`],
    ['NATS', addresses.nats, 'JetStream'],
    ...monitor,
  ];
}

function asTable(rows: readonly Row[]): string {
  const width = (column: 0 | 1) => Math.max(...rows.map((row) => row[column].length));
  const [names, places] = [width(0), width(1)];
  return rows
    .map(([name, address, what]) => `${name.padEnd(names)}  ${address.padEnd(places)}  ${what}`)
    .join('\n');
}

function nextCommands({ operator, services }: StackAddresses): string {
  const owner = services.assessments?.[0]?.grpc;
  const at = operator.grpc === DEFAULT_OPERATOR ? '' : ` --operator ${quoted(operator.grpc)}`;
  const lines = [
    `npx relink links${at}`,
    `npx relink plan COMM-010 --to async${at}`,
    ...(owner ? [`grpcurl -plaintext ${quoted(owner)} list`] : []),
  ];
  return ['Next:', ...lines.map((line) => `  ${line}`)].join('\n');
}

/** Brackets are a pattern of file names to some shells. */
function quoted(address: string): string {
  return address.includes('[') ? `'${address}'` : address;
}
