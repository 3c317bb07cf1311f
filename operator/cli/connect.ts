/** Which operator the command line talks to, and the client for it. */
import { Operator } from '../../gen/relink/v1/operator_pb.ts';
import { createRpcClient, type RpcClient } from '../../rpc/client.ts';
import { splitAddress } from '../../runtime/address.ts';
import { readEnvironment } from '../../runtime/environment.ts';
import { usageError } from './errors.ts';

export type OperatorClient = RpcClient<typeof Operator>;

export const DEFAULT_OPERATOR = '127.0.0.1:7071';

/** Planning and verifying query every service of a link, some of them for all their rows. */
const DEADLINE_MS = 60_000;

/**
 * The operator's address: `--operator`, else RELINK_OPERATOR, else the default on this machine.
 * @throws CliError (usage) when it is not host:port.
 */
export function findOperator(option: string | undefined): string {
  const variable = readEnvironment('RELINK_OPERATOR');
  const address = option ?? variable ?? DEFAULT_OPERATOR;
  if (splitAddress(address)?.port) return address;
  const source = option === undefined ? 'RELINK_OPERATOR' : '--operator';
  throw usageError(`${source} must be host:port or [IPv6]:port, not ${address}.`, [
    `${source} ${DEFAULT_OPERATOR}`,
  ]);
}

/** Connects at the first call. */
export function connectOperator(address: string): OperatorClient {
  return createRpcClient(Operator, address, { deadlineMs: DEADLINE_MS });
}
