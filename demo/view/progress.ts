/** The state that the demo shows while it runs: the demo writes it, a view draws it. */
import type { Leg, RunStatus } from '../../gen/relink/v1/operator_pb.ts';

export type StageState = 'pending' | 'running' | 'done' | 'failed';

export interface Stage {
  title: string;
  state: StageState;
  startedMs: number;
  endedMs: number;
  /** How far it is, or its result. */
  note: string;
}

export interface ShownTraffic {
  ratePerSecond: number;
  requests: number;
  failed: number;
  p50Ms: number;
  p99Ms: number;
}

export interface ShownLeg {
  readonly link: string;
  readonly leg: Leg;
}

export class DemoProgress {
  readonly startedMs = Date.now();
  readonly stages: Stage[];
  /** What is being started, while there is no run to show. */
  remark = '';
  run: RunStatus | undefined;
  legs: readonly ShownLeg[] = [];
  traffic: ShownTraffic | undefined;
  /** Called at every start and end of a stage, every remark and every change of a run. */
  onChange: () => void = () => undefined;

  constructor(titles: readonly string[]) {
    this.stages = titles.map((title) => ({
      title,
      state: 'pending',
      startedMs: 0,
      endedMs: 0,
      note: '',
    }));
  }

  get stage(): Stage | undefined {
    return this.stages.find(({ state }) => state === 'running');
  }

  say(remark: string): void {
    this.remark = remark;
    this.onChange();
  }

  /** Marks the next stage as not started, because an earlier one did not complete. */
  skipStage(): void {
    const stage = this.stages.find(({ state }) => state === 'pending');
    const nowMs = Date.now();
    if (stage)
      Object.assign(stage, {
        state: 'failed',
        note: 'not started',
        startedMs: nowMs,
        endedMs: nowMs,
      });
    this.onChange();
  }

  /** The current run changed. */
  showRun(run: RunStatus): void {
    this.run = run;
    this.onChange();
  }

  /** Runs the next stage: it is done when `work` resolves and failed when it rejects. */
  async runStage<T>(work: (stage: Stage) => Promise<T>): Promise<T> {
    const stage = this.stages.find(({ state }) => state === 'pending');
    if (!stage) throw new RangeError('the demo has more stages than titles');
    Object.assign(stage, { state: 'running', startedMs: Date.now() });
    this.onChange();
    try {
      const result = await work(stage);
      if (stage.state === 'running') stage.state = 'done';
      return result;
    } catch (error) {
      stage.state = 'failed';
      throw error;
    } finally {
      stage.endedMs = Date.now();
      this.remark = '';
      this.run = undefined;
      this.onChange();
    }
  }
}
