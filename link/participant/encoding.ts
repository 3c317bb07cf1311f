/** Encodes routes and transports for the participant API. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { type LaneRouteSchema, Transport as Wire } from '../../gen/relink/v1/route_pb.ts';
import { invalidField } from '../../rpc/errors.ts';
import type { Transport } from '../link.ts';
import type { LaneStanding } from '../relay/standings.ts';

const WIRE: Record<Transport, Wire> = { sync: Wire.SYNC, async: Wire.ASYNC, pull: Wire.PULL };

export function transportToWire(transport: Transport | null): Wire {
  return transport ? WIRE[transport] : Wire.UNSPECIFIED;
}

/** `undefined` for unspecified. */
export function transportFromWire(wire: Wire): Transport | undefined {
  return (Object.keys(WIRE) as Transport[]).find((name) => WIRE[name] === wire);
}

export function requireTransport(field: string, wire: Wire): Transport {
  const transport = transportFromWire(wire);
  if (!transport) throw invalidField(field, 'must be SYNC, ASYNC or PULL');
  return transport;
}

export function laneToWire(lane: LaneStanding): MessageInitShape<typeof LaneRouteSchema> {
  return {
    lane: lane.lane,
    transport: transportToWire(lane.transport),
    version: lane.version,
    epoch: lane.epoch,
    adoptedEpoch: lane.adopted.epoch,
    adoptedTransport: transportToWire(lane.adopted.transport),
    adoptedVersion: lane.adopted.version,
    carriedOpen: BigInt(lane.carriedOpen),
    hold: lane.hold,
    shadow: transportToWire(lane.shadow),
  };
}
