/** Reads NATS headers from their bytes, faster than nats.js does. */
import type { JsMsg } from '@nats-io/jetstream';
import { HEADER } from '../../wire/headers.ts';

/**
 * The internals of nats.js's message that hold its raw bytes; the test beside this file pins them.
 */
interface ReceivedBytes {
  readonly msg?: { readonly _rdata?: Uint8Array; readonly _msg?: { readonly hdr: number } };
}

/** The protocol's headers that a message has, the first of each name. */
export type ReadHeaders = { -readonly [Field in keyof typeof HEADER]?: string };

const FIELD_OF = new Map(
  Object.entries(HEADER).map(([field, name]) => [name as string, field as keyof typeof HEADER]),
);

/**
 * The headers of a message. Read from the raw bytes where nats.js exposes them: its own map compares
 * each name with all before it and costs five times as much, a sixth of a consumer's work.
 */
export function readHeaders(message: JsMsg): ReadHeaders {
  const { _rdata: bytes, _msg: parts } = (message as unknown as ReceivedBytes).msg ?? {};
  if (bytes === undefined || parts === undefined) return gatherHeaders(message);
  return parts.hdr > 0
    ? parseHeaders(Buffer.from(bytes.buffer, bytes.byteOffset, parts.hdr).toString('utf8'))
    : {};
}

function gatherHeaders({ headers }: JsMsg): ReadHeaders {
  const read: ReadHeaders = {};
  for (const [name, [value = '']] of headers ?? []) {
    const field = FIELD_OF.get(name);
    if (field) read[field] ??= value;
  }
  return read;
}

/** `NATS/1.0`, then `Name: value` lines, then an empty one. */
function parseHeaders(text: string): ReadHeaders {
  const headers: ReadHeaders = {};
  let lineAt = text.indexOf('\r\n') + 2;
  for (;;) {
    const end = text.indexOf('\r\n', lineAt);
    if (end <= lineAt) return headers;
    const colon = text.indexOf(':', lineAt);
    const field = colon < end ? FIELD_OF.get(text.slice(lineAt, colon)) : undefined;
    if (field) headers[field] ??= text.slice(colon + 1, end).trim();
    lineAt = end + 2;
  }
}
