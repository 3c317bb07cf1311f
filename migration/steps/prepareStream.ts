import { closeStreamSide, openStreamSide } from '../leg/streamSide.ts';
import type { Step, Untitled } from '../plan.ts';

/** Creates the stream and durable consumers, and lets consumers listen; nothing is sent yet. */
export const prepareStream: Untitled<Step> = {
  name: 'prepare-stream',
  kind: 'step',
  undoTitle: 'stop listening; remove the durable consumers, and the stream if unused',
  apply: openStreamSide,
  undo: closeStreamSide,
};
