/** The processes of the stack. To have `npm start` run a service, add it here. */

export interface ServiceProgram {
  /** Also the name of its database. */
  name: string;
  /** Path of the program, relative to the project. */
  main: string;
  /** gRPC port above the port base; health and metrics are on the gRPC port + 1000. */
  portOffset: number;
}

export const SERVICES: readonly ServiceProgram[] = [
  { name: 'assessments', main: 'services/assessments/main.ts', portOffset: 31 },
  { name: 'hiring', main: 'services/hiring/main.ts', portOffset: 32 },
  { name: 'management', main: 'services/management/main.ts', portOffset: 33 },
  { name: 'bonuses', main: 'services/bonuses/main.ts', portOffset: 34 },
  { name: 'finance', main: 'services/finance/main.ts', portOffset: 35 },
];

/** The operator; dev/ports.ts says which ports it has. */
export const OPERATOR = { name: 'operator', main: 'operator/main.ts', database: 'relink' } as const;
