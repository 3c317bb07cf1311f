/** What every part of a demo works with. */
import type { LinkMap } from '../link/link.ts';
import type { DemoOptions } from './options.ts';
import type { DemoStack } from './stack.ts';
import type { DemoProgress } from './view/progress.ts';

export interface DemoContext {
  readonly stack: DemoStack;
  readonly links: LinkMap;
  readonly options: DemoOptions;
  readonly progress: DemoProgress;
  /** Aborts when the demo is interrupted. */
  readonly signal: AbortSignal;
}
