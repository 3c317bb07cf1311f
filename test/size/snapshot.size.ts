/**
 * A dump, or a console that somebody forgot, holds an old snapshot while a million rows are closed:
 * none of them can be cleaned away, and the link goes on.
 */
import { test } from 'node:test';
import { benchLink, fillOutbox } from '../../bench/events.ts';
import { createHiringDatabase, startHiring } from '../../bench/hiring.ts';
import { perSecond } from '../../bench/measure.ts';
import { startProducer, untilClosed } from '../../bench/producer.ts';
import { startServers } from '../../bench/servers.ts';
import { cleanUpAll } from '../../dev/servers/errors.ts';
import { Figures, sized } from './figures.ts';

const CLOSED = sized(1_000_000, 30_000);
const ROUNDS = 10;
const OF_CLEAN_AT_LEAST = 0.8;

test(`an old snapshot is held while ${CLOSED} rows are closed`, async (t) => {
  const figures = new Figures(t);
  const servers = await startServers();
  const producer = await startProducer(servers, benchLink('async'));
  const hiring = await createHiringDatabase(servers);
  const remote = await startHiring(servers, hiring, 'formal');
  const relaying = await producer.startKit(remote.ready.address);
  t.after(() =>
    cleanUpAll(
      'chain of the test',
      [relaying, remote, hiring, producer, servers].map((one) => () => one.stop()),
    ),
  );

  let closed = 0;
  /** Writes a tenth of the rows while the relay closes them; answers how many a second. */
  const carry = async () => {
    closed += CLOSED / ROUNDS;
    return perSecond(CLOSED / ROUNDS, async () => {
      await fillOutbox(producer.sql, benchLink('async'), CLOSED / ROUNDS);
      await untilClosed(producer.sql, closed);
      await remote.take();
    });
  };

  await carry(); // warms up
  const clean = await carry();
  const release = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const holding = producer.sql.begin('isolation level repeatable read', async (tx) => {
    await tx`select count(*) from relink.outbox`;
    begun.resolve();
    await release.promise;
  });
  await begun.promise;
  const rates: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) rates.push(await carry());
  release.resolve();
  await holding;
  figures.note('snapshot, without one', clean, 'events/s');
  figures.note('snapshot, the first tenth', rates[0]!, 'events/s');
  figures.note('snapshot, the last tenth', rates.at(-1)!, 'events/s');
  figures.note('snapshot, the last tenth ÷ without one', rates.at(-1)! / clean, '', {
    atLeast: OF_CLEAN_AT_LEAST,
  });
  figures.judge();
});
