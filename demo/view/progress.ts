/** What the demo shows while it runs. Written by the demo, drawn by a view. */
import type { Leg, RunStatus } from '../../gen/relink/v1/operator_pb.ts';

export type StageState = 'ahead' | 'now' | 'done' | 'failed';

export type Stage = {
  title: string;
  state: StageState;
  startedMs: number;
  endedMs: number;
  /** How far it is, or what came out of it. */
  note: string;
};

export type ShownTraffic = {
  ratePerSecond: number;
  requests: number;
  failed: number;
  p50Ms: number;
  p99Ms: number;
};

export type ShownLeg = { readonly link: string; readonly leg: Leg };

export class DemoModel {
  readonly startedMs = Date.now();
  readonly stages: Stage[];
  /** What is being started, before there is anything else to show. */
  remark = '';
  run: RunStatus | undefined;
  legs: readonly ShownLeg[] = [];
  traffic: ShownTraffic | undefined;
  /** Hears every beginning and end of a stage, every remark and every change of a run. */
  onChange: () => void = () => undefined;

  constructor(titles: readonly string[]) {
    this.stages = titles.map((title) => ({
      title,
      state: 'ahead',
      startedMs: 0,
      endedMs: 0,
      note: '',
    }));
  }

  get stage(): Stage | undefined {
    return this.stages.find(({ state }) => state === 'now');
  }

  say(remark: string): void {
    this.remark = remark;
    this.onChange();
  }

  /** The next stage is not begun, because an earlier one did not come to its end. */
  skip(): void {
    const stage = this.stages.find(({ state }) => state === 'ahead');
    const nowMs = Date.now();
    if (stage)
      Object.assign(stage, {
        state: 'failed',
        note: 'not begun',
        startedMs: nowMs,
        endedMs: nowMs,
      });
    this.onChange();
  }

  /** The run that is under way changed. */
  follow(run: RunStatus): void {
    this.run = run;
    this.onChange();
  }

  /** Runs the next stage: it is done when `work` resolves and failed when it rejects. */
  async during<T>(work: (stage: Stage) => Promise<T>): Promise<T> {
    const stage = this.stages.find(({ state }) => state === 'ahead');
    if (!stage) throw new RangeError('the demo has more stages than titles');
    Object.assign(stage, { state: 'now', startedMs: Date.now() });
    this.onChange();
    try {
      const result = await work(stage);
      if (stage.state === 'now') stage.state = 'done';
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
