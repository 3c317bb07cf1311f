/** What a service imports from `relink/runtime`: what its process is made of. */

// Settings from the environment, and faults that tests arm in them.
export { type BaseConfig, baseConfigSchema, loadConfig } from './config.ts';
export { armFailpoints } from './failpoints.ts';
// What operators see.
export { createHealthServer } from './http.ts';
// Starting and stopping in order.
export { runProcess } from './lifecycle.ts';
export { createLog, type Log } from './log.ts';
export { Metrics } from './metrics.ts';
// Connections.
export { connectNats } from './nats.ts';
export { closePostgres, connectPostgres } from './postgres.ts';
