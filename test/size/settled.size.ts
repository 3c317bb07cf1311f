/**
 * Ten million messages behind: a link is moved, shown and drained as in a company that was started just
 * now.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { median, perSecond, timeMs } from '../../bench/measure.ts';
import { legOf, linkOf } from '../../link/link.ts';
import { links } from '../../services/links.ts';
import { until } from '../harness/until.ts';
import { relink } from '../rigs/cli.ts';
import { ProcessCompany } from '../rigs/processes/company.ts';
import { Figures, sized } from './figures.ts';
import { fillHistory, fillInbox, reopenCopies } from './filled.ts';

const link = linkOf(links, 'COMM-040');
const CONSUMER = 'bonuses';
const LEG = legOf(link.id, CONSUMER);
const MESSAGES = sized(10_000_000, 20_000);
const DRAINED = sized(20_000, 2_000);
const LOOKS = 7;
const LONGER_AT_MOST = 1.2;
const SHOWN_MS = 300;
const OF_EMPTY_AT_LEAST = 0.9;
/** As short as the time that a machine needs: what is measured is what the company does. */
const SETTINGS = ['soak_seconds', 'canary_seconds', 'shadow_seconds'].map((name) => `${name}=1`);
const PATIENT = [
  'allow_idle=1',
  'patience_seconds=600',
  'latency_limit_ms=600000',
  'lag_limit_ms=1000',
];
const WAIT = { withinMs: 20 * 60_000, everyMs: 20 };

test(`a link is moved with ${MESSAGES} messages behind`, async (t) => {
  const figures = new Figures(t);
  const company = await ProcessCompany.start({ withOperator: true });
  t.after(() => company.stop());
  const operator = company.stack.addresses.operator.grpc;
  const business = await company.startBusiness();
  const hiring = company.database(link.producer);

  const move = async (to: string) => {
    const sets = [...SETTINGS, ...PATIENT].flatMap((one) => ['--set', one]);
    const { exitCode, stderr } = await relink(
      ...[operator, 'start', link.id, '--to', to, '--way-back', 'none', '--yes', ...sets],
    );
    assert.equal(exitCode, 0, stderr);
  };
  const closed = async () => {
    const [row] = await hiring<{ closed: number }[]>`
      select coalesce(sum(count), 0)::int as closed from relink.closed where leg = ${LEG}`;
    return row!.closed;
  };
  /** There and back, then what people see, and how quickly a backlog is gone. */
  const measure = async () => {
    const movedMs = (await timeMs(() => move('async'))) + (await timeMs(() => move('sync')));
    const shownMs: number[] = [];
    for (let look = 0; look < LOOKS; look += 1)
      shownMs.push(await timeMs(() => relink(operator, 'links')));
    const already = await closed();
    const rate = await perSecond(DRAINED, async () => {
      await reopenCopies(hiring, LEG, DRAINED);
      await until(async () => (await closed()) >= already + DRAINED, {
        what: 'it is gone',
        ...WAIT,
      });
    });
    return { movedMs, shownMs: median(shownMs), rate };
  };

  await measure(); // warms up
  const empty = await measure();
  const messages = { link, consumer: CONSUMER, count: MESSAGES, until: new Date() };
  await fillHistory(hiring, { ...messages, days: 6 });
  await fillInbox(company.database(CONSUMER), { ...messages, days: 29 });
  const full = await measure();

  figures.note('settled, moved there and back, empty', empty.movedMs, 'ms');
  figures.note('settled, moved there and back', full.movedMs, 'ms');
  figures.note('settled, moved ÷ empty', full.movedMs / empty.movedMs, '', {
    atMost: LONGER_AT_MOST,
  });
  figures.note('settled, relink links, empty', empty.shownMs, 'ms');
  figures.note('settled, relink links', full.shownMs, 'ms', { atMost: SHOWN_MS });
  figures.note('settled, drained, empty', empty.rate, 'events/s');
  figures.note('settled, drained', full.rate, 'events/s');
  figures.note('settled, drained ÷ empty', full.rate / empty.rate, '', {
    atLeast: OF_EMPTY_AT_LEAST,
  });
  await business.stop();
  figures.judge();
});
