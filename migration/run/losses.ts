/**
 * What becomes of events in another contract version, and what that means for the way back. A person
 * has to say how it works before anything is lost.
 */
import { MigrationError } from '../errors.ts';
import { readSchema } from '../leg/schema.ts';
import { askEach, type DescribedLink, type Participants } from '../participants.ts';
import type { MovedLink, RunRecord } from './record.ts';

/** What a move makes of one event of a link. */
export interface EventChange {
  readonly link: string;
  readonly event: string;
  readonly from: number;
  readonly to: number;
  readonly loss: 'lossless' | 'lossy with complement' | 'irreversible';
  readonly complement: readonly string[];
  readonly drops: readonly string[];
  readonly words: readonly string[];
}

/** Every event of the link that the move takes to another version, as its producer says. */
export function changesOf(
  { producer }: DescribedLink,
  { link, from, to }: MovedLink,
): EventChange[] {
  const [older, newer] = [from.version, to.version].sort((a, b) => a - b) as [number, number];
  return producer.events.flatMap(({ name, steps }) => {
    const taken = steps.filter((one) => one.older >= older && one.newer <= newer);
    if (taken.length === 0) return [];
    const drops = taken.flatMap((one) => one.drops);
    const isBack = to.version < from.version;
    return [
      {
        ...{ link, event: name, from: from.version, to: to.version, drops },
        // Only on the way down is a message without what the older version cannot hold.
        loss: isBack && drops.length > 0 ? 'irreversible' : worstOf(taken),
        complement: taken.flatMap(({ complement }) => complement),
        words: isBack ? [] : taken.flatMap(({ words }) => words),
      },
    ];
  });
}

function worstOf(steps: readonly { readonly loss: string }[]): EventChange['loss'] {
  if (steps.some(({ loss }) => loss === 'irreversible')) return 'irreversible';
  return steps.some(({ loss }) => loss !== 'lossless') ? 'lossy with complement' : 'lossless';
}

function isToOlder({ from, to }: EventChange): boolean {
  return to < from;
}

/** In words, for whoever decides: what is lost, and what the way back can and cannot bring again. */
export function sayWayBack(change: EventChange, wayBack: RunRecord['wayBack']): string[] {
  if (isToOlder(change)) return sayDown(change);
  return wayBack === 'none' ? [sayNone(change)] : sayKept(change);
}

/** What a message loses that goes by an older version. */
function sayDown({ from, to, loss, complement, drops }: EventChange): string[] {
  const lines: string[] = [];
  if (loss === 'irreversible' && drops.length === 0)
    lines.push(`v${from} has lost what v${to} needs, and nobody can give it`);
  if (drops.length > 0)
    lines.push(
      `v${to} cannot hold ${drops.join(' and ')}: consumers do not get it of what is sent as v${to}`,
    );
  if (complement.length > 0)
    lines.push(`the owner gives ${complement.join(' and ')}, which v${to} needs`);
  return lines;
}

/** Without a way back: what is lost, and when. */
function sayNone({ from, to, loss, complement }: EventChange): string {
  const moment = 'once the last lanes begin to move';
  if (loss === 'irreversible')
    return `once lanes move, what v${from} needs and v${to} has lost is gone, irrevocably`;
  if (complement.length === 0)
    return `nothing of it is lost, but ${moment}, v${from} cannot be taken up again by this run`;
  return (
    `${moment}, nothing brings ${complement.join(' and ')} back to a consumer; ` +
    'complete removes what consumers still hold of them, irrevocably'
  );
}

function sayKept({ from, to, complement, drops }: EventChange): string[] {
  const lines: string[] = [];
  if (complement.length > 0)
    lines.push(
      `on the way back the owner gives ${complement.join(' and ')}, which v${to} lacks; ` +
        'it can until complete',
    );
  if (drops.length > 0) lines.push(`v${from} cannot hold ${drops.join(' and ')}`);
  return lines;
}

/**
 * Refuses a move that would lose something unless it says how the way back works.
 * @throws MigrationError LINK_NOT_MOVABLE, which names the field `way_back`
 */
export async function refuseLosses(
  participants: Participants,
  link: DescribedLink,
  changes: readonly EventChange[],
  wayBack: string,
): Promise<void> {
  const forward = changes.filter((change) => !isToOlder(change));
  const lost = forward.find(({ loss }) => loss === 'irreversible');
  if (lost && wayBack !== 'none')
    throw unclear(lost, `v${lost.to} has lost what v${lost.from} needs`, 'none: there is none');
  const lossy = forward.find(({ complement }) => complement.length > 0);
  if (!lossy || wayBack !== '' || !(await removesFields(participants, link, lossy))) return;
  const fields = lossy.complement.join(' and ');
  const why = `v${lossy.to} has no ${fields}, and complete removes what v${lossy.from} needs`;
  throw unclear(
    lossy,
    why,
    'keep: the owner gives them until complete; or none: nobody needs them',
  );
}

/** Whether completing the move removes something on either side, as any build there knows. */
async function removesFields(
  participants: Participants,
  { producer: { id, producer, consumers } }: DescribedLink,
  { from, to }: EventChange,
): Promise<boolean> {
  const clients = [producer, ...consumers].flatMap((service) => participants.each(service));
  const schemas = await askEach(clients, (one) => readSchema(one, id));
  const due = schemas.flatMap((schema) => schema.due);
  return due.some(({ version }) => version > from && version <= to);
}

function unclear({ link, event }: EventChange, why: string, how: string): MigrationError {
  const text = `${link} cannot be moved like this: ${event} ${why}; say how the way back works`;
  const fields = [{ field: 'way_back', description: `must be ${how}` }];
  return new MigrationError('LINK_NOT_MOVABLE', `${text} with --way-back ${how}`, { fields });
}
