/**
 * A consumer's typed method for a link: its request has a oneof `event` with one case per event and
 * contract version, its response is a `relink.v1.Receipt`. The cases are found by message type, so
 * a new version is one more line in the .proto.
 */
import type { DescField, DescMethodUnary, Message } from '@bufbuild/protobuf';
import { create } from '@bufbuild/protobuf';
import { type Contract, toMessage } from '../../contracts/contract.ts';
import { LinkError } from '../../errors.ts';
import type { LinkDefinition } from '../../link.ts';
import { allContracts } from '../../versions.ts';

/** The request that carries `event`, a valid event of `contract`. */
export function pushRequest(method: DescMethodUnary, contract: Contract, event: unknown): Message {
  const field = caseOf(method, contract);
  if (!field)
    throw new LinkError(
      'NO_TRANSPORT',
      `${method.parent.typeName}/${method.name} cannot carry ${contract.event} v${contract.version}; add it to its oneof event`,
    );
  const value = toMessage(contract, event);
  return create(method.input, { event: { case: field.localName, value } } as never);
}

/** The contract and message of a request, or undefined when its event is not set. */
export function pushedEvent(
  link: LinkDefinition,
  request: Message,
): { contract: Contract; message: Message } | undefined {
  const { event } = request as Message & { event?: { case?: string; value?: Message } };
  if (!event?.value) return undefined;
  const typeName = event.value.$typeName;
  const contract = allContracts(link).find((one) => one.message.typeName === typeName);
  return contract && { contract, message: event.value };
}

/** `hiring.v1.HiringLinks/PutManager` */
export function methodName(method: DescMethodUnary): string {
  return `${method.parent.typeName}/${method.name}`;
}

/** Whether the method can carry this contract. */
export function acceptsContract(method: DescMethodUnary, contract: Contract): boolean {
  return caseOf(method, contract) !== undefined;
}

function caseOf(method: DescMethodUnary, contract: Contract): DescField | undefined {
  return method.input.fields.find((field) => field.message?.typeName === contract.message.typeName);
}
