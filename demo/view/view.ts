/** Shows the demo: drawn again in place on a terminal, else a line for whatever happened. */
import { stripVTControlCharacters } from 'node:util';
import { LiveArea } from '../../operator/cli/output/live.ts';
import { createPaint } from '../../operator/cli/output/paint.ts';
import { formatDuration } from '../../operator/cli/output/time.ts';
import { currentStep } from '../../operator/cli/runState.ts';
import { readEnvironment } from '../../runtime/config.ts';
import type { DemoModel, Stage } from './progress.ts';
import { describeStage, drawDemo, markOf, stepCount } from './screen.ts';

type Sink = NodeJS.WritableStream & { isTTY?: boolean; columns?: number; rows?: number };

/** Smooth to the eye, and nothing to the machine. */
const REDRAW_EVERY_MS = 250;

export type View = {
  /** Leaves the last picture where it is. Safe twice. */
  end(): void;
};

export function showDemo(model: DemoModel, stream: Sink): View {
  const isTerminal = stream.isTTY === true && readEnvironment('TERM') !== 'dumb';
  return isTerminal ? new LiveView(model, stream) : new LineView(model, stream);
}

class LiveView implements View {
  readonly #model: DemoModel;
  readonly #stream: Sink;
  readonly #area: LiveArea;
  readonly #timer: NodeJS.Timeout;
  // A process that ends in between must not leave the terminal without a cursor.
  readonly #restore = () => this.#area.end();

  constructor(model: DemoModel, stream: Sink) {
    this.#model = model;
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
    this.#area.draw(drawDemo(this.#model, { width, paint, now: Date.now() }));
  }
}

/** Beginnings, ends, steps and remarks, each with the time since the start. */
class LineView implements View {
  readonly #model: DemoModel;
  readonly #stream: Sink;
  readonly #seen = new Map<Stage, string>();
  readonly #timer: NodeJS.Timeout;
  #step = '';
  #remark = '';

  constructor(model: DemoModel, stream: Sink) {
    this.#model = model;
    this.#stream = stream;
    model.onChange = () => this.#tell();
    this.#timer = setInterval(() => this.#tell(), REDRAW_EVERY_MS);
  }

  end(): void {
    this.#tell();
    clearInterval(this.#timer);
    this.#model.onChange = () => undefined;
  }

  #tell(): void {
    for (const stage of this.#model.stages) this.#tellStage(stage);
    const { remark, run } = this.#model;
    if (remark !== '' && remark !== this.#remark) this.#line(`  ${remark}`);
    this.#remark = remark;
    const title = run && currentStep(run)?.title;
    if (title && title !== this.#step) this.#line(`  ${stepCount(run)}   ${title}`);
    this.#step = title ?? '';
  }

  #tellStage(stage: Stage): void {
    // How it ended may be known a little before it has ended.
    const state = stage.endedMs === 0 && stage.startedMs > 0 ? 'now' : stage.state;
    if (state === 'ahead' || this.#seen.get(stage) === state) return;
    this.#seen.set(stage, state);
    this.#line(`${markOf(state)} ${state === 'now' ? stage.title : describeStage(stage)}`);
  }

  #line(text: string): void {
    const at = formatDuration(Date.now() - this.#model.startedMs).padStart(9);
    this.#stream.write(`${at}  ${stripVTControlCharacters(text)}\n`);
  }
}
