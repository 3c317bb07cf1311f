import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import {
  closePostgres,
  connectPostgres,
  type Database,
  guardTransaction,
  isConnectionLost,
  type Transaction,
  TransactionRevokedError,
} from './postgres.ts';
import { formatArray, parseArray } from './postgresArrays.ts';
import { startTestPostgres, type TestServer, until } from './testing.ts';

let server: TestServer;
let admin: Database;
let sql: Database;

before(async () => {
  server = await startTestPostgres();
  admin = connectPostgres(server.url, { name: 'admin', max: 1 });
  sql = connectPostgres(server.url, { name: 'tested', max: 1 });
  await admin`create table counted (id int primary key)`;
});

after(async () => {
  await Promise.all([closePostgres(sql), closePostgres(admin)]);
  await server.stop();
});

const backendPid = async (tx: Transaction | Database) =>
  (await tx<{ pid: number }[]>`select pg_backend_pid() as pid`)[0]!.pid;

const cutAll = (name: string) =>
  admin`select pg_terminate_backend(pid) from pg_stat_activity where application_name = ${name}`;

test('int8 is bigint in both directions and arrays of built-in types go both ways', async () => {
  const ids = ['a', 'b "quoted" \\ {x}', ''];
  const big = 2n ** 60n;
  const [row] = await sql`
    select ${big}::int8 as big, ${ids}::text[] as ids, ${sql.array([big])} as bigs,
           array[null, 1]::int4[] as ints, array[[1,2],[3,4]] as nested`;
  assert.deepEqual(
    { ...row },
    {
      big,
      ids,
      bigs: [big],
      ints: [null, 1],
      nested: [
        [1, 2],
        [3, 4],
      ],
    },
  );
  const found = await sql`select 1 where ${'b'} = any(${['a', 'b']})`;
  assert.equal(found.length, 1);
});

test('array texts survive a round trip whatever their elements hold', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.string({ unit: 'binary' }))), (items) => {
      const text = String(formatArray(items, (item) => item));
      assert.deepEqual(
        parseArray(text, (item) => item),
        items,
      );
    }),
  );
});

test('the connection shows its name and its time limits', async () => {
  const [row] = await sql`
    select current_setting('application_name') as name,
           current_setting('statement_timeout') as statement_timeout`;
  assert.deepEqual({ ...row }, { name: 'tested', statement_timeout: '30s' });
});

test('a transaction cut between two queries rejects, and the pool goes on', async () => {
  const cut = sql.begin(async (tx) => {
    await backendPid(tx);
    await cutAll('tested');
    await until('the backend is gone', async () => {
      const open = await admin`select 1 from pg_stat_activity where application_name = 'tested'`;
      return open.length === 0;
    });
    await tx`insert into counted values (1)`;
  });
  await assert.rejects(cut, isConnectionLost);
  await sql`insert into counted values (2)`;
  assert.deepEqual([...(await admin`select id from counted`)], [{ id: 2 }]);
});

test('a pool whose connections are cut again and again recovers by itself', async () => {
  const busy = connectPostgres(server.url, { name: 'busy', max: 3 });
  let isStopping = false;
  let done = 0;
  const work = async () => {
    while (!isStopping) {
      await busy
        .begin(async (tx) => {
          await tx`select 1`;
          await tx.savepoint((inner) => inner`select 2`);
        })
        .then(
          () => {
            done += 1;
          },
          (error) => assert.ok(isConnectionLost(error), String(error)),
        );
    }
  };
  const workers = [work(), work(), work(), work()];
  for (let cuts = 0; cuts < 20; cuts += 1) {
    const doneBefore = done;
    await until('work goes on after a cut', () => done > doneBefore);
    await cutAll('busy');
  }
  const doneAtEnd = done;
  await until('every connection works again', () => done > doneAtEnd + 100);
  isStopping = true;
  await Promise.all(workers);
  await closePostgres(busy);
});

test('a handler that outlives its transaction can no longer reach a connection', async () => {
  let late: Transaction | undefined;
  await sql.begin(async (tx) => {
    late = tx;
    await tx`select 1`;
  });
  const tx = late!;
  const gone = (error: unknown) => error instanceof TransactionRevokedError;
  await sql.begin(async (other) => {
    await other`insert into counted values (3)`;
    await assert.rejects(async () => tx`delete from counted`, gone);
    await assert.rejects(async () => tx.unsafe('delete from counted'), gone);
    await assert.rejects(tx.unsafe('delete from counted').values(), gone);
    await assert.rejects(async () => tx.savepoint((inner) => inner`delete from counted`), gone);
    await assert.rejects(async () => tx.notify('channel', 'x'), gone);
  });
  assert.equal((await admin`select 1 from counted where id = 3`).length, 1);
});

test('a handler abandoned while its statement runs sends nothing behind the rollback', async () => {
  await admin`select pg_advisory_lock(1)`;
  const limit = Promise.withResolvers<never>();
  let abandoned: Promise<unknown> = Promise.resolve();
  const work = async (tx: Transaction) => {
    await tx`select pg_advisory_xact_lock(1)`;
    await tx`insert into counted values (9)`;
  };
  const given = sql.begin((tx) => {
    abandoned = work(tx);
    return Promise.race([abandoned, limit.promise]);
  });
  await until('its first statement runs', async () => {
    const waiting = await admin`select from pg_stat_activity
      where application_name = 'tested' and wait_event_type = 'Lock'`;
    return waiting.length === 1;
  });
  const deadline = new Error('deadline');
  const isGivenUp = assert.rejects(given, deadline); // looked at before it rejects
  limit.reject(deadline);
  await admin`select pg_advisory_unlock(1)`;
  await isGivenUp;
  await assert.rejects(abandoned, TransactionRevokedError);
  assert.equal((await admin`select 1 from counted where id = 9`).length, 0);
});

test('a query written before the revocation and awaited after it is not sent', async () => {
  await sql.begin(async (raw) => {
    const guarded = guardTransaction(raw);
    const written = guarded.tx`insert into counted values (4)`;
    guarded.revoke();
    await assert.rejects(written.execute(), { code: 'TRANSACTION_REVOKED' });
    assert.equal(guarded.signal.aborted, true);
  });
  assert.equal((await admin`select 1 from counted where id = 4`).length, 0);
});

test('an abandoned savepoint rolls back nothing in another transaction', async () => {
  const resumed = Promise.withResolvers<void>();
  const isInside = Promise.withResolvers<void>();
  let abandoned: Promise<unknown> = Promise.resolve();
  const deadline = new Error('deadline');
  const given = sql.begin(async (tx) => {
    abandoned = tx.savepoint(async (inner) => {
      await inner`insert into counted values (5)`;
      isInside.resolve();
      await resumed.promise;
      await inner`insert into counted values (6)`;
    });
    abandoned.catch(() => undefined);
    await isInside.promise;
    throw deadline;
  });
  await assert.rejects(given, deadline);
  await sql.begin(async (other) => {
    await other`insert into counted values (7)`;
    resumed.resolve();
    await assert.rejects(abandoned, TransactionRevokedError);
    await other`select 1`;
  });
  const rows = await admin`select id from counted where id in (5, 6, 7)`;
  assert.deepEqual([...rows], [{ id: 7 }]);
});

test('an error inside a savepoint leaves the transaction usable', async () => {
  await sql.begin(async (tx) => {
    const broken = tx.savepoint((inner) => inner`insert into counted values (2)`);
    await assert.rejects(broken, { code: '23505' });
    await tx`insert into counted values (8)`;
  });
  assert.equal((await admin`select 1 from counted where id = 8`).length, 1);
});

test('a server that is down is a lost connection', async () => {
  const nobody = connectPostgres('postgres://postgres@127.0.0.1:1/postgres', { name: 'x' });
  await assert.rejects(
    nobody.begin((tx) => tx`select 1`),
    isConnectionLost,
  );
  await closePostgres(nobody);
});
