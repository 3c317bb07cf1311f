/** relink plan LINK --to … · start LINK --to … --way-back … */
import { InvalidArgumentError, Option } from '@commander-js/extra-typings';
import type { PlanResponse, StartRequest } from '../../../gen/relink/v1/operator_pb.ts';
import { describeSettings } from '../../../migration/settings.ts';
import { confirmStep } from '../confirm.ts';
import { followRun } from '../follow.ts';
import { withLink } from '../knownLinks.ts';
import { formatPlan, viewPlan } from '../output/planView.ts';
import { viewRun } from '../output/runView.ts';
import type { Program, UseSession } from '../root.ts';
import type { Session } from '../session.ts';
import { consumerOption, targetOption, wayBackOption } from './target.ts';

const WAYS_BACK = ['keep', 'none'] as const;

export function addStartCommands(program: Program, use: UseSession): void {
  program
    .command('plan')
    .argument('<link>', 'a link, such as COMM-010')
    .description('show the steps and thresholds of a move without starting it')
    .addOption(targetOption())
    .addOption(consumerOption())
    .addOption(wayBackOption().choices(WAYS_BACK))
    .addOption(settingsOption())
    .action(async (link, { to, consumer = '', wayBack = '', set }) => {
      const session = use();
      const settings = Object.fromEntries(set ?? []);
      const plan = await withLink(session, link, () =>
        session.operator.plan({ link, to, consumer, wayBack, settings }),
      );
      session.output.show(viewPlan(plan));
    });

  program
    .command('start')
    .argument('<link>', 'a link, such as COMM-010')
    .description('start a move and follow it')
    .addOption(targetOption())
    .addOption(wayBackOption().choices(WAYS_BACK).makeOptionMandatory())
    .addOption(consumerOption())
    .option('--step', 'wait for approval after every step')
    .option(
      '--no-hold',
      'do not wait for messages in flight by the old route, as when it is broken',
    )
    .option('--detach', 'start it without following it')
    .addOption(settingsOption())
    .addHelpText('after', () => `\nSettings (--set) and their defaults:\n${listSettings()}\n`)
    .action(async (link, { to, wayBack, consumer = '', step, hold, detach, set }) => {
      const session = use();
      const request = {
        link,
        to,
        consumer,
        wayBack,
        step: step === true,
        noHold: !hold,
        actor: session.actor,
        settings: Object.fromEntries(set ?? []),
      };
      await withLink(session, link, () => start(session, request, detach === true));
    });
}

type Start = Omit<StartRequest, '$typeName' | '$unknown'>;

async function start(session: Session, request: Start, isDetached: boolean): Promise<void> {
  const { operator, output, options } = session;
  if (session.isInteractive && options.yes !== true) {
    const { link, to, consumer, wayBack, settings } = request;
    tellPlan(session, await operator.plan({ link, to, consumer, wayBack, settings }));
  }
  await confirmStep(session, questionFor(request));
  const { status } = await operator.start(request);
  if (isDetached) {
    output.show(viewRun(status!));
    output.tell([`Follow it: relink status ${status!.run!.id} --watch`]);
    return;
  }
  await followRun(session, status!.run!.id);
}

function questionFor({ link, to, wayBack }: Start): string {
  const warning = wayBack === 'none' ? ' There is no way back once all lanes have moved.' : '';
  return `Move ${link} to ${to}?${warning}`;
}

function tellPlan({ output }: Session, plan: PlanResponse): void {
  output.tell([...formatPlan(plan, output.layoutOf(output.stderr), false), '']);
}

function settingsOption() {
  return new Option('--set <name=value...>', 'settings, such as soak_seconds=5').argParser(
    addSetting,
  );
}

function listSettings(): string {
  const all = describeSettings().map((one) => ({ ...one, shown: `${one.name}=${one.default}` }));
  const width = Math.max(...all.map(({ shown }) => shown.length));
  return all
    .map(({ shown, about, unit }) => `  ${shown.padEnd(width)}  ${about} (${unit})`)
    .join('\n');
}

type Setting = [name: string, value: string];

function addSetting(text: string, before: Setting[] | undefined): Setting[] {
  const [, name, value] = /^([^=\s]+)=(.*)$/.exec(text) ?? [];
  if (name === undefined || value === undefined) {
    throw new InvalidArgumentError(`${text} is not name=value.`);
  }
  return [...(before ?? []), [name, value]];
}
