import { join } from 'node:path';
import { findEvents } from '../../dev/codegen/events.ts';
import { eventSchema } from '../../dev/codegen/messageSchema.ts';
import { events } from '../../gen/events.ts';
import { compileProtos, root } from './compileProtos.ts';
import { describeEvent } from './eventSuite.ts';

for (const event of events) describeEvent(event);

// What no event of the company uses yet must work on the day one does.
const files = [...compileProtos(join(root, 'test/contracts/fixtures')).files];
const names = new Set(files.map((file) => file.proto.name));
for (const event of findEvents(files, names)) {
  describeEvent({ ...event, schema: eventSchema(event) });
}
