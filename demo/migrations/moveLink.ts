/** Runs one migration through the operator as a person would: start, watch, complete. */
import type { Certificate, Operator, RunStatus } from '../../gen/relink/v1/operator_pb.ts';
import { checkCertificate } from '../../migration/certificateCheck.ts';
import { listCertificates } from '../../operator/cli/lists.ts';
import { hasEnded } from '../../operator/cli/runState.ts';
import { RpcCallError, type RpcClient } from '../../rpc/client.ts';
import { pause } from '../../runtime/wake.ts';

const ACTOR = 'demo';
/** On a busy machine a service may miss the operator's deadline, so the start is retried. */
const START_LIMIT_MS = 30_000;
const START_RETRY_MS = 500;

export interface MoveOptions {
  readonly operator: RpcClient<typeof Operator>;
  readonly link: string;
  /** The transport, or the contract version, to move to. */
  readonly to: string;
  readonly settings: Record<string, string>;
  readonly signal: AbortSignal;
  /** Called on every change of the run. */
  readonly onStatus: (status: RunStatus) => void;
  /** Does what a gate waits for, if that is something to do. */
  readonly answer: (gate: string) => Promise<void>;
}

export interface CheckedCertificate {
  readonly certificate: Certificate;
  /** Both sides are equal and the signature is valid, checked here and not by the operator. */
  readonly isEqual: boolean;
  readonly problem: string;
}

export interface MoveResult {
  readonly status: RunStatus;
  readonly certificates: readonly CheckedCertificate[];
}

/**
 * Starts the run, completes it when it waits for that, and resolves when it has ended or paused.
 * Rejects when the operator refuses or `signal` aborts.
 */
export async function moveLink(options: MoveOptions): Promise<MoveResult> {
  const { operator, signal } = options;
  const id = await startRun(options);
  const status = await followToEnd(id, options);
  const { certificates } = await listCertificates({ operator, signal }, { run: id });
  return { status, certificates: certificates.map(verify) };
}

async function startRun({ operator, link, to, settings, signal }: MoveOptions): Promise<string> {
  const untilMs = performance.now() + START_LIMIT_MS;
  const request = { link, to, wayBack: 'keep', actor: ACTOR, settings };
  for (;;) {
    try {
      const { status } = await operator.start(request, { signal, deadlineMs: START_LIMIT_MS });
      return status?.run?.id ?? '';
    } catch (error) {
      if (!isServiceUnavailable(error) || performance.now() > untilMs) throw error;
      await pause(START_RETRY_MS, signal);
    }
  }
}

/** The operator reports that a service does not answer: it has started nothing. */
function isServiceUnavailable(error: unknown): boolean {
  return error instanceof RpcCallError && error.reason === 'UNAVAILABLE';
}

async function followToEnd(id: string, options: MoveOptions): Promise<RunStatus> {
  const { operator, link, signal, onStatus } = options;
  let isCompleting = false;
  let answering: Promise<void> = Promise.resolve();
  for await (const { status } of operator.watchRun({ id }, { deadlineMs: Infinity, signal })) {
    if (!status) continue;
    onStatus(status);
    if (hasEnded(status) || status.run?.state === 'paused') return status;
    const gate = status.waiting?.gate ?? '';
    answering = answering.then(() => options.answer(gate));
    answering.catch(() => {}); // awaited before the run is completed, which it then cannot be
    if (gate !== 'complete' || isCompleting) continue;
    isCompleting = true;
    await answering;
    await operator.completeRun({ id, actor: ACTOR, confirm: link }, { signal });
  }
  signal.throwIfAborted();
  throw new Error(`the operator ended the watch of run ${id} before the run ended`);
}

function verify(certificate: Certificate): CheckedCertificate {
  const { statement, signature, publicKey: public_key, equal } = certificate;
  const check = checkCertificate(JSON.stringify({ statement, signature, public_key }));
  const problem = check.isValid ? '' : check.problem;
  return { certificate, isEqual: equal && check.isValid, problem };
}
