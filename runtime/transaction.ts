/**
 * Transactions that never use a connection that is no longer theirs.
 *
 * postgres.js gives a handler a TransactionSql bound to a connection and never takes it back: a
 * handler that was abandoned at its deadline and wakes up later sends its query on a connection
 * that by then belongs to another transaction. The same happens after a cut: the driver itself
 * sends `rollback` on the dead connection, which ends the process (a write on a null socket inside
 * setImmediate) or leaves the pool's slot unusable forever. Seen with postgres 3.4.9 under
 * pg_terminate_backend; the test beside this file reproduces it.
 *
 * So every query of a transaction passes a guard, which is revoked at the first sign of a lost
 * connection, when the handler fails, and when the transaction ends; and a handler whose connection
 * was lost is never reported back to the driver, so that the driver sends nothing more for it.
 */

import type { Sql, TransactionSql } from 'postgres';
import { CodedError } from './errors.ts';
import { type Amounts, isConnectionLost } from './postgresErrors.ts';

export type Transaction = TransactionSql<Amounts>;

/** A query came after its transaction was given up. */
export class TransactionRevokedError extends CodedError<'TRANSACTION_REVOKED'> {
  constructor(options?: ErrorOptions) {
    const message = 'the transaction of this query is over; the query was not sent';
    super('TRANSACTION_REVOKED', message, options);
  }
}

export interface GuardedTransaction {
  /** Stands in for the TransactionSql it was made from. */
  tx: Transaction;
  /**
   * From now on every query made through `tx`, even one made earlier and not yet sent, rejects with
   * TransactionRevokedError. A statement that the server already runs goes on: only
   * statement_timeout or the end of the connection stops it. Safe to call twice.
   */
  revoke(cause?: unknown): void;
  /** Tells the handler that it was given up. */
  signal: AbortSignal;
}

/** The part of a postgres.js query that the guard hooks into; the test pins it. */
interface DriverQuery {
  handler(query: DriverQuery): void;
  reject(error: unknown): void;
}

interface Guard {
  isRevoked(): boolean;
  revoke(cause?: unknown): void;
  refusal(): TransactionRevokedError;
}

/**
 * Wraps a transaction for a handler that may be abandoned. Covers tagged and unsafe queries, files
 * and savepoints; drizzle on it is covered too, because it uses these.
 */
export function guardTransaction(tx: Transaction): GuardedTransaction {
  const controller = new AbortController();
  let revokedBy: unknown;
  const guard: Guard = {
    isRevoked: () => controller.signal.aborted,
    revoke: (cause) => {
      if (controller.signal.aborted) return;
      revokedBy = cause;
      controller.abort(cause);
    },
    refusal: () => new TransactionRevokedError({ cause: revokedBy }),
  };
  return { tx: standIn(tx, guard), revoke: guard.revoke, signal: controller.signal };
}

/** `sql.begin` with the guard; connectPostgres replaces the driver's with it. */
export function guardedBegin(begin: Sql<Amounts>['begin']): Sql<Amounts>['begin'] {
  const run = async (...args: unknown[]) => {
    const handler = args.pop() as (tx: Transaction) => unknown;
    let revoke: (cause?: unknown) => void = () => undefined;
    const body = (raw: Transaction) => {
      const guarded = guardTransaction(raw);
      revoke = guarded.revoke;
      return settleUnlessRevoked(handler, guarded);
    };
    try {
      return await (begin as (...args: unknown[]) => Promise<unknown>)(...args, body);
    } catch (error) {
      revoke(error);
      throw error;
    } finally {
      revoke();
    }
  };
  return run as Sql<Amounts>['begin'];
}

/**
 * The handler's result, or a promise that never settles once its connection is lost: the driver
 * then neither commits nor rolls back, and its own watch on the connection ends the transaction.
 *
 * A failure revokes before the driver learns of it: whatever an abandoned handler sent after that
 * would be queued behind the rollback and commit on its own. A success does not revoke: queries
 * made before it may not have reached the driver yet, and the commit is sent after them.
 */
function settleUnlessRevoked(
  handler: (tx: Transaction) => unknown,
  { tx, signal, revoke }: GuardedTransaction,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const succeed = (result: unknown) => {
      if (!signal.aborted) resolve(result);
    };
    const fail = (error: unknown) => {
      if (signal.aborted) return;
      revoke(error);
      reject(error);
    };
    const running = async () => {
      const result = handler(tx);
      return Array.isArray(result) ? Promise.all(result) : result;
    };
    running().then(succeed, fail);
  });
}

function standIn(tx: Transaction, guard: Guard): Transaction {
  return new Proxy(tx, {
    apply: (target, self, args) => guardQuery(Reflect.apply(target as never, self, args), guard),
    get: (target, property) => {
      const value = Reflect.get(target, property) as unknown;
      if (property === 'savepoint') return guardedSavepoint(target, guard);
      if (property === 'notify' || property === 'prepare') return refusing(value, guard);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => guardQuery(Reflect.apply(value, target, args), guard);
    },
  });
}

/**
 * Queries are lazy: they reach the driver's handler when awaited. So the check is in the handler of
 * each query, not where the query is made.
 */
function guardQuery<T>(made: T, guard: Guard): T {
  if (!isQuery(made)) return made;
  const { handler, reject } = made;
  // The driver reads options off its handler function; keep it reachable under the same name.
  made.handler = Object.assign((query: DriverQuery) => {
    if (guard.isRevoked()) query.reject(guard.refusal());
    else handler(query);
  }, handler);
  made.reject = (error) => {
    if (isConnectionLost(error)) guard.revoke(error);
    reject(error);
  };
  return made;
}

function isQuery(made: unknown): made is DriverQuery {
  return made instanceof Promise && 'handler' in made && 'reject' in made;
}

function refusing(value: unknown, guard: Guard) {
  return async (...args: unknown[]) => {
    if (guard.isRevoked()) throw guard.refusal();
    return (value as (...args: unknown[]) => unknown)(...args);
  };
}

/**
 * The driver sends `rollback to` by itself when a savepoint's handler fails. After a revocation
 * that would hit another transaction, so the driver is left waiting and the caller gets the error.
 */
function guardedSavepoint(tx: Transaction, guard: Guard) {
  return async (...args: unknown[]) => {
    if (guard.isRevoked()) throw guard.refusal();
    const handler = args.pop() as (tx: Transaction) => unknown;
    const outcome = Promise.withResolvers<unknown>();
    const report = (error: unknown) => {
      if (guard.isRevoked()) outcome.reject(guard.refusal());
      return error;
    };
    const body = (raw: Transaction) =>
      new Promise((resolve, reject) => {
        const end = (settle: (value: unknown) => void) => (value: unknown) => {
          report(value);
          if (!guard.isRevoked()) settle(value);
        };
        const running = async () => {
          if (guard.isRevoked()) throw guard.refusal();
          return handler(standIn(raw, guard));
        };
        running().then(end(resolve), end(reject));
      });
    const savepoint = tx.savepoint as unknown as (...args: unknown[]) => Promise<unknown>;
    savepoint(...args, body).then(outcome.resolve, outcome.reject);
    return outcome.promise;
  };
}
