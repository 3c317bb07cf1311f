/** relink reconcile [LINK] */
import { InvalidArgumentError } from '@commander-js/extra-typings';
import { type Difference, DifferenceSchema } from '../../../gen/relink/v1/operator_pb.ts';
import { confirmStep } from '../confirm.ts';
import { usageError } from '../errors.ts';
import { EXIT } from '../exitCode.ts';
import { unknownLink } from '../knownLinks.ts';
import { toJsonShape } from '../output/json.ts';
import { showProgress } from '../output/progressLine.ts';
import { formatDifferences, sayCompared } from '../output/reconcileView.ts';
import type { Program, UseSession } from '../root.ts';
import type { Session } from '../session.ts';
import { didYouMean, findSimilar } from '../suggest.ts';
import { tellUnanswered } from '../unanswered.ts';

interface Options {
  readonly consumer: string;
  readonly sinceMs: number;
  readonly repair: boolean;
}

export interface Reconciled {
  readonly differences: readonly Difference[];
  readonly compared: bigint;
}

export function addReconcileCommand(program: Program, use: UseSession): void {
  program
    .command('reconcile')
    .argument('[link]', 'a link, such as COMM-040; default: every link')
    .description('find what a side lost with its database, and send it again')
    .option('--consumer <name>', 'only this consumer; default: every consumer of the link')
    .option(
      '--since <time>',
      'only what was settled since 2026-11-27T12:40Z, or 90m, 12h, 3d ago',
      parseSince,
      0,
    )
    .option('--repair', 'send again what can be sent again')
    .option('--dry-run', 'with --repair: change nothing, only say what it would do')
    .action(async (link, { consumer = '', since: sinceMs, repair = false, dryRun = false }) => {
      const session = use();
      const isRepairing = repair && !dryRun;
      if (isRepairing) await confirmStep(session, 'Send again what a consumer lost?');
      const options = { consumer, sinceMs, repair: isRepairing };
      const reconciled = await reconcileAll(session, link, options);
      show(session, reconciled);
      const isLeft = reconciled.differences.some(({ done }) => done === '');
      if (isLeft) session.exitCode = EXIT.different;
    });
}

function parseSince(text: string): number {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (count) return Date.now() - Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS];
  const ms = Date.parse(text);
  if (ms >= 0) return ms;
  throw new InvalidArgumentError(
    'It must be a time, such as 2026-11-27T12:40Z, or 90m, 12h or 3d.',
  );
}

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

async function reconcileAll(session: Session, link: string | undefined, options: Options) {
  const progress = showProgress(session);
  const differences: Difference[] = [];
  let compared = 0n;
  try {
    for (const leg of await findLegs(session, link, options.consumer)) {
      let ofLeg = 0n;
      for await (const page of pagesOf(session, leg, options)) {
        differences.push(...page.differences);
        ofLeg += page.compared;
        progress.show(`${leg.link} ${leg.consumer}: ${ofLeg.toLocaleString('en')} compared`);
      }
      compared += ofLeg;
    }
  } finally {
    progress.end();
  }
  return { differences, compared };
}

async function findLegs(session: Session, id: string | undefined, consumer: string) {
  const response = await session.operator.listLinks({});
  tellUnanswered(session, response.unanswered);
  const isMeant = (link: { id: string }) => !id || link.id.toLowerCase() === id.toLowerCase();
  const links = response.links.filter(isMeant);
  if (id && links.length === 0) throw unknownLink(id, response);
  // Of a link that was named, the operator says which consumers there are when this one is none.
  if (id && consumer) return links.map((link) => ({ link: link.id, consumer }));
  const legs = links.flatMap((link) =>
    link.legs.map((leg) => ({ link: link.id, consumer: leg.consumer })),
  );
  const meant = legs.filter((leg) => !consumer || leg.consumer === consumer);
  if (consumer && meant.length === 0 && response.unanswered.length === 0)
    throw unknownConsumer(consumer, legs);
  return meant;
}

function unknownConsumer(consumer: string, legs: readonly { consumer: string }[]) {
  const known = [...new Set(legs.map((leg) => leg.consumer))].sort();
  const hint = didYouMean(findSimilar(consumer, known)) ?? `Consumers are ${known.join(', ')}.`;
  return usageError(`No link has a consumer ${consumer}. ${hint}`, ['relink links']);
}

async function* pagesOf(
  { operator, actor, signal }: Session,
  leg: { link: string; consumer: string },
  { sinceMs, repair }: Options,
) {
  let after = '';
  do {
    const request = { ...leg, after, repair, actor, sinceUnixMs: BigInt(sinceMs) };
    const page = await operator.reconcile(request, { signal });
    yield page;
    after = page.next;
  } while (after !== '');
}

function show({ output }: Session, reconciled: Reconciled): void {
  const items = () => reconciled.differences.map((one) => toJsonShape(DifferenceSchema, one));
  output.show({
    json: () => ({ differences: items(), compared: Number(reconciled.compared) }),
    items,
    text: (layout) => [
      ...formatDifferences(reconciled.differences, layout),
      sayCompared(reconciled),
    ],
  });
}
