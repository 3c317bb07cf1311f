/** Serves `relink.v1.LinkParticipant`: what the migration engine asks of a service. */

import type { LinkParticipant } from '../../gen/relink/v1/participant_pb.ts';
import { RpcError } from '../../rpc/errors.ts';
import type { Handlers } from '../../rpc/handlers.ts';
import { LinkError } from '../errors.ts';
import { consumerHandlers } from './consumerHandlers.ts';
import type { ParticipantOptions } from './context.ts';
import { deadLetterHandlers } from './deadLetterHandlers.ts';
import { describe } from './describe.ts';
import { entityHandlers } from './entityHandlers.ts';
import { erasingHandlers } from './erasingHandlers.ts';
import { parkedHandlers } from './parkedHandlers.ts';
import { producerHandlers } from './producerHandlers.ts';
import { pullHandlers } from './pullHandlers.ts';
import { reconcileHandlers } from './reconcileHandlers.ts';
import { schemaHandlers } from './schemaHandlers.ts';

type ParticipantHandlers = Handlers<typeof LinkParticipant>;

export function participantHandlers(options: ParticipantOptions): ParticipantHandlers {
  const handlers = {
    describe: () => describe(options),
    ...producerHandlers(options),
    ...consumerHandlers(options),
    ...entityHandlers(options),
    ...erasingHandlers(options),
    ...schemaHandlers(options),
    ...pullHandlers(options),
    ...deadLetterHandlers(options),
    ...parkedHandlers(options),
    ...reconcileHandlers(options),
  };
  return Object.fromEntries(
    Object.entries(handlers).map(([name, handle]) => [name, withReasons(handle as AnyHandler)]),
  ) as unknown as ParticipantHandlers;
}

type AnyHandler = (...args: unknown[]) => unknown;

/** Turns errors of the kit into gRPC statuses with their reason. */
function withReasons(handle: AnyHandler): AnyHandler {
  return async (...args) => {
    try {
      return await handle(...args);
    } catch (error) {
      if (error instanceof LinkError) throw toRpcError(error);
      throw error;
    }
  };
}

function toRpcError(error: LinkError): RpcError {
  const cause = { cause: error };
  switch (error.code) {
    case 'ROUTE_CHANGED':
    case 'ROUTE_PENDING':
      return new RpcError('ABORTED', error.code, error.message, cause);
    case 'UNKNOWN_LINK':
    case 'UNKNOWN_CONSUMER':
      return new RpcError('NOT_FOUND', 'LINK_UNKNOWN', error.message, cause);
    case 'REPLICA_IN_USE':
      return new RpcError('FAILED_PRECONDITION', error.code, error.message, cause);
    case 'NOT_MOVABLE':
      return new RpcError('FAILED_PRECONDITION', 'LINK_NOT_MOVABLE', error.message, cause);
    default:
      return new RpcError('INTERNAL', 'INTERNAL', error.message, cause);
  }
}
