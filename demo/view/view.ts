/** Shows the demo: redrawn in place on a terminal, elsewhere one line per event. */
import { stripVTControlCharacters } from 'node:util';
import { LiveArea } from '../../operator/cli/output/live.ts';
import { createPaint } from '../../operator/cli/output/paint.ts';
import { formatDuration } from '../../operator/cli/output/time.ts';
import { currentStep } from '../../operator/cli/runState.ts';
import { readEnvironment } from '../../runtime/environment.ts';
import type { DemoProgress, Stage } from './progress.ts';
import { describeStage, drawScreen, markOf, stepCount } from './screen.ts';

interface Sink extends NodeJS.WritableStream {
  isTTY?: boolean;
  columns?: number;
  rows?: number;
}

/** Smooth to the eye, and nothing to the machine. */
const REDRAW_EVERY_MS = 250;

export interface View {
  /** Stops drawing and leaves the last picture. Safe twice. */
  end(): void;
}

export function showDemo(progress: DemoProgress, stream: Sink): View {
  const isTerminal = stream.isTTY === true && readEnvironment('TERM') !== 'dumb';
  return isTerminal ? new LiveView(progress, stream) : new LineView(progress, stream);
}

class LiveView implements View {
  readonly #progress: DemoProgress;
  readonly #stream: Sink;
  readonly #area: LiveArea;
  readonly #timer: NodeJS.Timeout;
  // A process that ends while drawing must not leave the terminal without a cursor.
  readonly #restore = () => this.#area.end();

  constructor(progress: DemoProgress, stream: Sink) {
    this.#progress = progress;
    this.#stream = stream;
    this.#area = new LiveArea(stream);
    this.#timer = setInterval(() => this.#draw(), REDRAW_EVERY_MS);
    process.once('exit', this.#restore);
  }

  end(): void {
    if (process.listeners('exit').includes(this.#restore)) this.#draw();
    clearInterval(this.#timer);
    process.off('exit', this.#restore);
    this.#area.end();
  }

  #draw(): void {
    const width = this.#area.columns;
    const paint = createPaint(this.#stream);
    this.#area.draw(drawScreen(this.#progress, { width, paint, now: Date.now() }));
  }
}

/** One line per start, end, step and remark, with the time since the start. */
class LineView implements View {
  readonly #progress: DemoProgress;
  readonly #stream: Sink;
  readonly #seen = new Map<Stage, string>();
  readonly #timer: NodeJS.Timeout;
  #step = '';
  #remark = '';

  constructor(progress: DemoProgress, stream: Sink) {
    this.#progress = progress;
    this.#stream = stream;
    progress.onChange = () => this.#write();
    this.#timer = setInterval(() => this.#write(), REDRAW_EVERY_MS);
  }

  end(): void {
    this.#write();
    clearInterval(this.#timer);
    this.#progress.onChange = () => undefined;
  }

  #write(): void {
    for (const stage of this.#progress.stages) this.#writeStage(stage);
    const { remark, run } = this.#progress;
    if (remark !== '' && remark !== this.#remark) this.#writeLine(`  ${remark}`);
    this.#remark = remark;
    const title = run && currentStep(run)?.title;
    if (title && title !== this.#step) this.#writeLine(`  ${stepCount(run)}   ${title}`);
    this.#step = title ?? '';
  }

  #writeStage(stage: Stage): void {
    // The outcome may be known shortly before the stage ends.
    const state = stage.endedMs === 0 && stage.startedMs > 0 ? 'running' : stage.state;
    if (state === 'pending' || this.#seen.get(stage) === state) return;
    this.#seen.set(stage, state);
    this.#writeLine(`${markOf(state)} ${state === 'running' ? stage.title : describeStage(stage)}`);
  }

  #writeLine(text: string): void {
    const at = formatDuration(Date.now() - this.#progress.startedMs).padStart(9);
    this.#stream.write(`${at}  ${stripVTControlCharacters(text)}\n`);
  }
}
