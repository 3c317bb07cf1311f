import type { Contract, EventJson } from './contract.ts';

type Payload = EventJson['payload'];
export interface Mapping {
  readonly older: Contract;
  readonly newer: Contract;
  readonly complement: readonly string[];
  readonly drops: readonly string[];
  upcast(payload: Payload): Payload;
  downcast(payload: Payload, complement?: Payload): Payload;
}
