import type { Step } from '../plan.ts';
import { closeStreamSide, openStreamSide } from '../streamSide.ts';

/** Stream, durable consumers, and consumers that listen; nothing is sent yet. */
export const prepareStream: Omit<Step, 'title' | 'number'> = {
  name: 'prepare-stream',
  kind: 'step',
  undoTitle: 'stop listening; remove the durable consumers, and the stream if unused',
  apply: openStreamSide,
  undo: closeStreamSide,
};
