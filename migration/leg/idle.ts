/**
 * What a run may take for evidence where there is too little traffic. Nothing, unless it was started with
 * `allow_idle=1`; and then at least a copy that went through the real transport, while nothing is open
 * that should have gone.
 */
import { REPEATABLE, transportToWire } from '../participants.ts';
import type { StepContext } from '../plan.ts';
import { nameRoute } from '../run/record.ts';

export interface IdleEvidence {
  readonly isEnough: boolean;
  /** What was seen, or what is missing and how to get it. */
  readonly text: string;
}

/** `open` messages of the lanes in question wait for their receipts. */
export async function askIdle(
  context: StepContext,
  consumer: string,
  open: number,
): Promise<IdleEvidence> {
  if (open > 0) return { isEnough: false, text: `${open} open` };
  const { run } = context;
  if (run.settings.allow_idle !== '1')
    return {
      isEnough: false,
      text:
        `too little traffic; when there is more: relink resume ${run.id}, ` +
        'or start again with --set allow_idle=1',
    };
  return probeOnce(context, consumer);
}

/** Once in a gate: its result is in the checkpoint. */
async function probeOnce(context: StepContext, consumer: string): Promise<IdleEvidence> {
  const { run, participants } = context;
  const key = `probed ${consumer}`;
  const known = context.checkpoint[key];
  if (typeof known === 'string') return { isEnough: true, text: known };
  const route = { transport: transportToWire(run.to.transport), version: run.to.version };
  const request = { link: run.link, consumer, ...route };
  const answer = await participants.of(run.producer).probe(request, REPEATABLE);
  if (answer.reachedOnly)
    return {
      isEnough: false,
      text: `nothing was ever sent that could be copied; send one message, then relink resume ${run.id}`,
    };
  if (!answer.ok) return { isEnough: false, text: `probe: ${answer.problem}` };
  const text = `no traffic; probe by ${nameRoute(run.to)} in ${answer.latencyMs.toFixed(1)} ms`;
  await context.save({ ...context.checkpoint, [key]: text });
  return { isEnough: true, text };
}
