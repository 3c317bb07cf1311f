import { StepProblem } from '../errors.ts';
import { findUnmet, HOLDS_NO_OLDER } from '../gates/closing.ts';
import { oldestCarried } from '../leg/carried.ts';
import { makeMissing, readSchema } from '../leg/schema.ts';
import { storeRowsOfLink } from '../leg/storing.ts';
import { requireInPlace } from '../leg/strays.ts';
import { askEach, REPEATABLE } from '../participants.ts';
import type { Step, StepContext, Untitled } from '../plan.ts';
import { stepPause } from '../stepPause.ts';

/** How many of the newest changes are worth showing. */
const NEWEST = 3;
const LOOK_MS = 200;

/** Each process makes the schema changes that its build needs and that only add. */
export const expandSchema: Untitled<Step> = {
  name: 'expand-schema',
  kind: 'step',
  undoTitle: '',
  apply: async (context) => {
    const { run, participants } = context;
    for (const service of [run.producer, ...run.consumers]) {
      // One that is down makes them when it starts, and the next gate waits for it.
      const made = new Set((await askEach(participants.each(service), makeMissing)).flat());
      const added = made.size === 0 ? 'nothing was missing' : `made ${[...made].join(', ')}`;
      await context.observe(`schema of ${service}`, added);
      await observeSchema(context, service);
    }
  },
};

async function observeSchema(context: StepContext, service: string): Promise<void> {
  const { changes, due } = await readSchema(context.participants.of(service), context.run.link);
  const newest = changes.slice(-NEWEST).map(({ name }) => name);
  await context.observe(`newest changes at ${service}`, newest.join(', ') || 'unknown');
  const removals = due.filter(({ version }) => version <= context.run.to.version);
  for (const { name, version, made } of removals)
    await context.observe(`${name} at ${service}`, made ? 'made' : `due once only v${version} is`);
}

/**
 * After `complete`: removes what only the old version needs, from the replicas first. Rows that are
 * stored in the old form would lose what is removed, so all are looked at once more.
 */
export const contractSchema: Untitled<Step> = {
  name: 'contract-schema',
  kind: 'step',
  undoTitle: '',
  check: (context) => requireInPlace(context, { closing: true }),
  apply: async (context) => {
    const { producer, consumers, to } = context.run;
    await requireWhole(context);
    const left = await storeRowsOfLink(context, to.version);
    for (const [service, rows] of left) if (rows > 0) throw notStored(context, service, rows);
    for (const service of [...consumers, producer]) await contract(context, service);
  },
};

async function requireWhole(context: StepContext): Promise<void> {
  const { id, settings } = context.run;
  for (;;) {
    const late = await findUnmet(context, HOLDS_NO_OLDER);
    if (!late) return;
    if (context.actingMs() > settings.patience_seconds * 1_000)
      throw new StepProblem(
        'stop',
        `${late.what}: ${late.value}; nothing was removed: mend it, then relink resume ${id}`,
      );
    await stepPause(LOOK_MS, context.signal);
  }
}

function notStored({ run }: StepContext, service: string, rows: number): StepProblem {
  return new StepProblem(
    'stop',
    `${rows} rows of ${service} are not stored as v${run.to.version}, and would lose what is removed: ` +
      `nothing was removed; see relink verify ${run.link}, then relink resume ${run.id}`,
  );
}

/** Up to the oldest version that any leg of the link still carries. */
async function contract(context: StepContext, service: string): Promise<void> {
  const { run, participants } = context;
  const client = participants.of(service);
  const version = service === run.producer ? await oldestCarried(context) : run.to.version;
  const isDue = (one: { version: number }) => one.version <= version;
  const { due } = await readSchema(client, run.link);
  for (const { name } of due.filter((one) => !isDue(one) && one.version <= run.to.version))
    await context.observe(`${name} at ${service}`, `kept: a leg of ${run.link} is at v${version}`);
  if (!due.some(isDue)) return context.observe(`removed at ${service}`, 'nothing');
  await client.contractSchema({ link: run.link, version }, REPEATABLE);
  const now = await readSchema(client, run.link);
  for (const { name, made } of now.due.filter(isDue))
    await context.observe(`${name} at ${service}`, made ? 'made' : 'not made');
}
