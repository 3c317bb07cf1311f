/**
 * Errors of the engine towards people and programs that give it orders. The list is closed;
 * docs/errors.md explains each. Messages say what, why and what to do next.
 */
import { CodedError } from '../runtime/errors.ts';

export type MigrationErrorCode =
  | 'LINK_UNKNOWN'
  | 'LINK_BUSY'
  | 'LINK_NOT_MOVABLE'
  | 'RUN_UNKNOWN'
  | 'RUN_STATE'
  | 'CONFIRMATION_WRONG'
  | 'REQUEST_INVALID'
  | 'PARTICIPANT_AWAY'
  /** Another engine is active; this one must not write. */
  | 'LEASE_LOST'
  /** The run has changed since it was read: read it again. */
  | 'RUN_CHANGED';

export interface FaultyField {
  readonly field: string;
  readonly description: string;
}

export class MigrationError extends CodedError<MigrationErrorCode> {
  /** With REQUEST_INVALID: what is wrong where. */
  readonly fields: readonly FaultyField[];
  constructor(
    code: MigrationErrorCode,
    message: string,
    { fields = [], ...options }: ErrorOptions & { fields?: readonly FaultyField[] } = {},
  ) {
    super(code, message, options);
    this.fields = fields;
  }
}

/**
 * A step cannot continue. `fail`: the run rolls back by itself, unless `on_fail` is `pause`; `stop`:
 * only a person can judge this, so the run pauses; `strayed`: it pauses because lanes are not where
 * the run put them, and resuming moves them again.
 */
export class StepProblem extends Error {
  readonly kind: 'fail' | 'stop' | 'strayed';
  /** Repeating the step may get through: it does so for `retry_seconds`, before this counts. */
  readonly isRepeatable: boolean;
  constructor(
    kind: StepProblem['kind'],
    message: string,
    { isRepeatable = false, ...options }: ErrorOptions & { isRepeatable?: boolean } = {},
  ) {
    super(message, options);
    this.name = 'StepProblem';
    this.kind = kind;
    this.isRepeatable = isRepeatable;
  }
}
