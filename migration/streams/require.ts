/** A run moves a link onto its stream only if the stream is as the link wants it. */
import { type LinkDescription, LinkKind } from '../../gen/relink/v1/participant_pb.ts';
import { StepProblem } from '../errors.ts';
import type { StepContext } from '../plan.ts';
import { describeDifference, findDifferences, isOfReplicas } from './differences.ts';

/** The link as its producer describes it now. @throws StepProblem when it does not answer */
export async function describedLink({ run, participants }: StepContext): Promise<LinkDescription> {
  const described = await participants.link(run.link);
  if (described) return described.producer;
  throw new StepProblem(
    'stop',
    `${run.producer} does not answer, so nobody knows what ${run.link} wants of its stream; ` +
      `once it answers: relink resume ${run.id}`,
    { isRepeatable: true },
  );
}

/** @throws StepProblem `fail`, with each field, what is wanted and what was found */
export async function requireWantedStream(context: StepContext): Promise<void> {
  const { run, streams } = context;
  const producer = await describedLink(context);
  const differences = await findDifferences(await streams.manager(), producer);
  const isTolerated =
    run.settings.allow_fewer_replicas === '1' || producer.kind === LinkKind.FORMAL;
  const tolerated = isTolerated ? differences.filter(isOfReplicas) : [];
  for (const one of tolerated) await context.observe('replicas', describeDifference(run.link, one));
  const others = differences.filter((one) => !tolerated.includes(one));
  if (others.length === 0) return;
  const option = others.every(isOfReplicas) ? ', or start with --set allow_fewer_replicas=1' : '';
  throw new StepProblem(
    'fail',
    `${others.map((one) => describeDifference(run.link, one)).join('; ')}: ` +
      `relink streams mend ${run.link}${option}`,
  );
}
