/** A consumer whose requests for messages died with the node that held them. */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, test } from 'node:test';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { headers as natsHeaders } from '@nats-io/transport-node';
import { applyExpand } from '../../../db/schemaChanges.ts';
import { silentLog } from '../../../runtime/log.ts';
import { connectNats } from '../../../runtime/nats.ts';
import { closePostgres, connectPostgres } from '../../../runtime/postgres.ts';
import { type LinkEvent, links } from '../../../services/links.ts';
import { testNatsCluster } from '../../../test/harness/natsCluster.ts';
import { testDatabase } from '../../../test/harness/postgres.ts';
import { until } from '../../../test/harness/until.ts';
import { functional } from '../../inbox/handler.ts';
import { Receiver } from '../../inbox/receiver.ts';
import { HEADER } from '../../wire/headers.ts';
import { ensureConsumer, ensureStream } from './provision.ts';
import { StreamConsumer } from './receive.ts';

/** Another node leads the consumer after some 5 s; the client by itself asks anew after up to 30. */
const SOON_MS = 15_000;

test('messages arrive soon after the node that led their durable consumer died', async (t) => {
  const template = { name: 'kit', fill: (url: string) => applyExpand(url, ['link']) };
  const sql = connectPostgres((await testDatabase({ after }, template)).url, { name: 'dies' });
  after(() => closePostgres(sql));
  const { servers } = await testNatsCluster(t);
  const [near, nearServer] = [...servers][0]!;
  const { connection, close } = await connectNats(nearServer.url, { name: 'dies', log: silentLog });
  t.after(close);
  const manager = await jetstreamManager(connection);
  const [link, service] = [links['COMM-050'], 'assessments'];
  await until(
    () =>
      ensureStream(manager, link.id).then(
        () => true,
        () => false,
      ),
    { what: 'a stream' },
  );
  await ensureConsumer(manager, link.id, service);

  const handled: string[] = [];
  const handler = functional<LinkEvent<'COMM-050'>>({
    ExerciseCompletedMoreThenTenTimes: async (_tx, event) => void handled.push(event.key),
  });
  const receiver = new Receiver({ sql, link, handler, log: silentLog });
  const consumer = new StreamConsumer({
    nats: connection,
    log: silentLog,
    link,
    service,
    receiver,
  });
  const leader = async () =>
    (await manager.consumers.info(link.id, service)).cluster?.leader ?? near;
  await until(
    async () => {
      if ((await leader()) !== near) return true;
      await connection.request(`$JS.API.CONSUMER.LEADER.STEPDOWN.${link.id}.${service}`, '');
      return false;
    },
    { what: 'another node leads the consumer than the one that the client is connected to' },
  );
  consumer.start();
  t.after(() => consumer.stop());
  const publish = async () => {
    const headers = natsHeaders();
    headers.set(HEADER.messageId, randomUUIDv7());
    const body = {
      exercise_id: randomUUIDv7(),
      title: 'S4/V4',
      author_id: randomUUIDv7(),
      candidate_id: randomUUIDv7(),
    };
    const subject = `${link.id}.03.v0.ExerciseCompletedMoreThenTenTimes`;
    await jetstream(connection).publish(subject, JSON.stringify(body), { headers });
    return body.exercise_id;
  };
  const first = await publish();
  await until(() => handled.includes(first), { what: 'the first is handled' });

  const dead = servers.get(await leader())!;
  await dead.kill();
  const second = await until(() => publish().catch(() => ''), {
    what: 'the others take a message',
  });
  const takenAtMs = performance.now();
  await until(() => handled.includes(second as string), { what: 'the second is handled' });
  const tookMs = performance.now() - takenAtMs;
  await dead.start();
  assert.ok(tookMs < SOON_MS, `it took ${Math.round(tookMs)} ms`);
});
