import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Participants } from '../migration/participants.ts';
import { Journal } from '../migration/run/journal.ts';
import { silentLog } from '../runtime/log.ts';
import { operatorDatabase, type Played, playService, syncToAsync } from '../test/rigs/oneStep.ts';
import { SchemaKeeper } from './schemaKeeper.ts';

/** A service whose database has `dropNames` still to be made at version 1 of the link. */
function playSchema(removed: string[]): Played {
  return {
    getSchema: async ({ link }) => ({
      due: [
        { version: 1, name: 'dropNames', made: removed.includes(link) },
        { version: 2, name: 'dropMore', made: false },
      ],
    }),
    contractSchema: async ({ link, version }) => {
      assert.equal(version, 1);
      removed.push(link);
      return { made: ['dropNames'] };
    },
  };
}

test('what a completed run removed is removed from a database that is made anew', async (t) => {
  const removed = { assessments: [] as string[], hiring: [] as string[], bonuses: [] as string[] };
  const peers: Record<string, string[]> = {};
  for (const [service, log] of Object.entries(removed))
    peers[service] = [await playService(t, playSchema(log))];
  const participants = new Participants(peers);
  t.after(() => participants.close());
  const sql = await operatorDatabase(t);
  const journal = new Journal(sql);
  const run = syncToAsync(['hiring']);
  const version = { transport: 'sync', version: 1 } as const;
  await journal.create({ ...run, plan: 'formal-version', to: version }, []);
  let isActing = true;
  const keeper = new SchemaKeeper({
    participants,
    journal,
    log: silentLog,
    isActing: () => isActing,
  });
  await keeper.look();
  assert.deepEqual(removed, { assessments: [], hiring: [], bonuses: [] }, 'it has not completed');
  await sql`update migration.runs set state = 'completed'`;
  isActing = false;
  await keeper.look();
  isActing = true;
  await keeper.look();
  await keeper.look();
  // Bonuses may still need what the owner has.
  assert.deepEqual(removed, { assessments: [], hiring: ['COMM-010'], bonuses: [] });
});
