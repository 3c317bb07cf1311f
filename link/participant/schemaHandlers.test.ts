import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RpcContext } from '../../rpc/handlers.ts';
import { links } from '../../services/links.ts';
import { schemaHandlers } from './schemaHandlers.ts';

const context = {} as RpcContext;
const handlers = schemaHandlers({
  produced: [links['COMM-030']],
  consumed: [links['COMM-020']],
  removals: { 'COMM-020': { 1: ['requireKnowledgeArea'] } },
});

test('the schema is asked for by a link of this service; another is unknown, whatever its name', async () => {
  const known = await handlers.getSchema({ link: 'COMM-020' } as never, context);
  assert.deepEqual(
    known.due!.map(({ name }) => name),
    ['requireKnowledgeArea'],
  );
  assert.deepEqual((await handlers.getSchema({ link: 'COMM-030' } as never, context)).due, []);
  for (const link of ['COMM-010', 'toString', '']) {
    const request = { link, version: 1 } as never;
    const unknown = { code: 'UNKNOWN_LINK' };
    await assert.rejects(async () => handlers.getSchema(request, context), unknown);
    await assert.rejects(async () => handlers.contractSchema(request, context), unknown);
  }
});
