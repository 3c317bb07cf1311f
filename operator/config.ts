/** The operator's configuration: what every process reads, with the operator's documented ports. */
import { Type } from 'typebox';
import { baseConfigProperties, loadConfig } from '../runtime/config.ts';

export const DEFAULT_HTTP_PORT = 8070;
export const DEFAULT_GRPC_PORT = 7071;

const operatorConfigSchema = Type.Object({
  ...baseConfigProperties,
  gateCommands: Type.Enum(['refuse', 'allow'], {
    default: 'refuse',
    description: 'whether a run may name a shell command that the operator runs as a gate',
  }),
});

export function loadOperatorConfig() {
  return loadConfig(operatorConfigSchema, {
    defaults: { httpPort: DEFAULT_HTTP_PORT, port: DEFAULT_GRPC_PORT },
  });
}
