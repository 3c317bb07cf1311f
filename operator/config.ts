/**
 * The operator's configuration: what every process reads; its own ports are the documented ones.
 */
import { Type } from 'typebox';
import { baseConfigProperties, loadConfig } from '../runtime/config.ts';

export const DEFAULT_HTTP_PORT = 8070;
export const DEFAULT_GRPC_PORT = 7071;

const operatorConfigSchema = Type.Object({
  ...baseConfigProperties,
  gateCommands: Type.Enum(['refuse', 'allow'], {
    default: 'refuse',
    description: 'whether whoever starts a run may name a shell command that is run here as a gate',
  }),
});

export function loadOperatorConfig() {
  return loadConfig(operatorConfigSchema, {
    defaults: { httpPort: DEFAULT_HTTP_PORT, port: DEFAULT_GRPC_PORT },
  });
}
