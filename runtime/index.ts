/**
 * What a service imports from `relink/runtime`: what its process is made of. Settings from the
 * environment, connections and queries on them, health, log and metrics, and starting and stopping in order.
 */
export { type BaseConfig, baseConfigProperties, loadConfig } from './config.ts';
export { drizzle, isOneOf } from './drizzle.ts';
export { armFailpoints } from './failpoints.ts';
export { createHealthServer } from './http.ts';
export { runProcess, startOrExplain } from './lifecycle.ts';
export { createLog, type Log } from './log.ts';
export { Metrics } from './metrics.ts';
export { connectNats } from './nats.ts';
export { closePostgres, connectPostgres } from './postgres.ts';
export { requireWritable } from './postgresCheck.ts';
export { Readiness } from './readiness.ts';
