/**
 * The operator's configuration: what every process reads; its own ports are the documented ones.
 */
import { baseConfigSchema, loadConfig } from '../runtime/config.ts';

export const DEFAULT_HTTP_PORT = 8070;
export const DEFAULT_GRPC_PORT = 7071;

export function loadOperatorConfig() {
  return loadConfig(baseConfigSchema, {
    defaults: { httpPort: DEFAULT_HTTP_PORT, port: DEFAULT_GRPC_PORT },
  });
}
