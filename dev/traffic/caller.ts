/**
 * One caller of the public API, as a careful one is written: a registration chooses its id and is
 * repeated with it when the answer is lost; a rename is not repeated, because the API does not make it
 * harmless. It writes down what it was told.
 */
import { randomUUIDv7 } from 'node:crypto';
import { AssessmentsService } from '../../gen/assessments/v1/assessments_service_pb.ts';
import { createRpcClient, RpcCallError, type RpcClient } from '../../link/rpc/client.ts';
import { inventNames, type Names } from './people.ts';
import type { Told } from './told.ts';

/** Tries of a registration; the client takes the next replica each time. */
const REGISTRATION_TRIES = 3;
/** Longer than the wait for the receipts of a sync link. */
const DEADLINE_MS = 10_000;

export type CallerOptions = {
  /** host:port of every replica of assessments. */
  readonly addresses: readonly string[];
  readonly connections: number;
  readonly told: Told;
};

/** How one call went. */
export type CallResult = {
  readonly isAcknowledged: boolean;
  /** The calls that it took. */
  readonly tries: number;
  /** How far the messages had come when the call was answered: `applied`, `pending`. */
  readonly deliveries: readonly string[];
  readonly error?: RpcCallError;
};

type Answer = {
  manager?: { version: bigint; firstName: string; lastName: string };
  deliveries: { state: string }[];
};

export class Caller {
  readonly #client: RpcClient<typeof AssessmentsService>;
  readonly #told: Told;

  constructor({ addresses, connections, told }: CallerOptions) {
    this.#told = told;
    this.#client = createRpcClient(AssessmentsService, [...addresses], {
      channels: connections,
      deadlineMs: DEADLINE_MS,
    });
  }

  /** Registers a new manager; never rejects for an answer of the service. */
  async register(id: string = randomUUIDv7()): Promise<CallResult> {
    const names = inventNames();
    for (let tries = 1; ; tries++) {
      const result = await this.#call(id, tries, () =>
        this.#client.registerManager({ managerId: id, ...names }),
      );
      const isOver = result.error?.outcome !== 'unknown' || tries >= REGISTRATION_TRIES;
      if (isOver) return this.#settle(id, result);
    }
  }

  /** Renames a manager. */
  async rename(id: string): Promise<CallResult> {
    const names: Names = inventNames();
    const result = await this.#call(id, 1, () =>
      this.#client.updateManager({ managerId: id, ...names }),
    );
    return this.#settle(id, result);
  }

  close(): void {
    this.#client.close();
  }

  async #call(id: string, tries: number, send: () => Promise<Answer>): Promise<CallResult> {
    try {
      const { manager, deliveries } = await send();
      if (manager) this.#told.acknowledge(id, manager.version, manager);
      const states = deliveries.map(({ state }) => state);
      return { isAcknowledged: true, tries, deliveries: states };
    } catch (error) {
      if (!(error instanceof RpcCallError)) throw error;
      return { isAcknowledged: false, tries, deliveries: [], error };
    }
  }

  #settle(id: string, result: CallResult): CallResult {
    if (result.error?.outcome === 'unknown') this.#told.loseAnswer(id);
    return result;
  }
}
