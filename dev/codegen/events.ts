/** Which messages are events: the top-level ones of a package `<owner>.events.v<version>`. */
import type { DescFile, DescMessage } from '@bufbuild/protobuf';

/** One version of one event. */
export interface EventMessage {
  readonly event: string;
  readonly version: number;
  readonly message: DescMessage;
}

const eventPackage = /^[a-z_.]+\.events\.v(?<version>0|[1-9]\d*)$/;

/** The order and names of the fields that every event starts with. */
const envelope = ['event_id', 'event_version', 'event_name', 'produced_at', 'payload'];

/**
 * The events among the given files, by name, then version.
 *
 * @throws Error naming the message when its envelope is not the agreed one, or when two owners
 *   use one name.
 */
export function findEvents(files: Iterable<DescFile>, wanted: Set<string>): EventMessage[] {
  const events: EventMessage[] = [];
  for (const file of files) {
    const version = eventPackage.exec(file.proto.package)?.groups?.version;
    if (version === undefined || !wanted.has(file.proto.name)) continue;
    for (const message of file.messages) {
      assertEnvelope(message);
      events.push({ event: message.name, version: Number(version), message });
    }
  }
  events.sort((a, b) => compareText(a.event, b.event) || a.version - b.version);
  assertUnique(events);
  return events;
}

/** The file of an event's JSON Schema, such as `ManagerCreated.v0.json`. */
export function schemaFileName({ event, version }: EventMessage): string {
  return `${event}.v${version}.json`;
}

function assertEnvelope(message: DescMessage): void {
  const fields = [...message.fields].sort((a, b) => a.number - b.number).map((f) => f.name);
  if (fields.join() !== envelope.join()) {
    throw new Error(`${message.typeName}: an event must have the fields ${envelope.join(', ')}`);
  }
}

function assertUnique(events: EventMessage[]): void {
  for (const [i, event] of events.entries()) {
    const next = events[i + 1];
    if (next && schemaFileName(next) === schemaFileName(event)) {
      throw new Error(
        `${next.message.typeName} and ${event.message.typeName} have the same name: rename one`,
      );
    }
  }
}

// Not localeCompare: the output must be the same on every machine.
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
