import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import {
  GetDeadLetterRequestSchema,
  ListDeadLettersRequestSchema,
} from '../gen/relink/v1/participant_pb.ts';
import type { Participants } from '../migration/participants.ts';
import { RpcCallError } from '../rpc/errors.ts';
import { deadLetterHandlers } from './deadLetters.ts';

/** These handlers use nothing but their request. */
const CALL = undefined as never;
/** So large that a service answers two of them in a page, and the operator, too. */
const DETAIL = 'x'.repeat(400_000);
const PER_PAGE = 2;

/** Services that answer their letters in short pages, as they do when these are large. */
function holding(letters: Readonly<Record<string, readonly string[]>>): Participants {
  return {
    services: Object.keys(letters),
    of: (name: string) => ({
      listDeadLetters: async ({ afterId }: { afterId: string }) => {
        const left = letters[name]!.filter((id) => id > afterId);
        const page = left.slice(0, PER_PAGE);
        const nextId = left.length > PER_PAGE ? page.at(-1)! : '';
        return { deadLetters: page.map((id) => ({ id, detail: DETAIL })), nextId, total: 1n };
      },
    }),
  } as unknown as Participants;
}

test('letters of services whose pages end early are all listed, each once and in order', async () => {
  const api = deadLetterHandlers(holding({ a: ['1', '3', '5', '7'], b: ['2', '8', '9'], c: [] }));
  const seen: (string | undefined)[] = [];
  let afterId = '';
  do {
    const request = create(ListDeadLettersRequestSchema, { afterId });
    const { deadLetters = [], nextId = '' } = await api.listDeadLetters(request, CALL);
    assert.ok(deadLetters.length <= PER_PAGE);
    seen.push(...deadLetters.map(({ id }) => id));
    afterId = nextId;
  } while (afterId !== '');
  assert.deepEqual(seen, ['1', '2', '3', '5', '7', '8', '9']);
});

test('a letter is not unknown while the service that may hold it gives no answer', async () => {
  const away = (code: number) => ({
    getDeadLetter: async () => {
      throw new RpcCallError('GetDeadLetter', 'here', { code, details: '' });
    },
  });
  const [unknown, unavailable] = [away(5), away(14)];
  const participants = {
    services: ['a', 'b'],
    of: (name: string) => (name === 'a' ? unavailable : unknown),
  } as unknown as Participants;
  const request = create(GetDeadLetterRequestSchema, { id: '1' });
  const asked = Promise.resolve(deadLetterHandlers(participants).getDeadLetter(request, CALL));
  await assert.rejects(asked, { code: 'UNAVAILABLE' });
});
