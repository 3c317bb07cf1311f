/** The faults that tests inject into the payment system, and what they mean for one order. */
export interface Behaviour {
  /** Of 100 orders, how many are refused before anything is done. */
  readonly failPercent: number;
  /** How long every order waits before it is carried out. */
  readonly delayMs: number;
  /** Of 100 orders, how many are carried out and answered too late. */
  readonly timeOutPercent: number;
}

export const WELL: Behaviour = { failPercent: 0, delayMs: 0, timeOutPercent: 0 };

export interface Fate {
  readonly delayMs: number;
  readonly isRefused: boolean;
  readonly isAnsweredLate: boolean;
}

/** What happens to one order; `failDraw` and `timeOutDraw` are random numbers from 0 up to 1. */
export function fateOf(behaviour: Behaviour, failDraw: number, timeOutDraw: number): Fate {
  return {
    delayMs: behaviour.delayMs,
    isRefused: failDraw * 100 < behaviour.failPercent,
    isAnsweredLate: timeOutDraw * 100 < behaviour.timeOutPercent,
  };
}
