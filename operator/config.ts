/** The operator's configuration: what every process reads, with the operator's documented ports. */
import {
  type BaseConfig,
  baseConfigProperties,
  type ConfigProperties,
  loadConfig,
} from '../runtime/config.ts';

export const DEFAULT_HTTP_PORT = 8070;
export const DEFAULT_GRPC_PORT = 7071;

interface OperatorConfig extends BaseConfig {
  readonly gateCommands: 'refuse' | 'allow';
}

const operatorConfigProperties: ConfigProperties<OperatorConfig> = {
  ...baseConfigProperties,
  gateCommands: {
    type: 'string',
    enum: ['refuse', 'allow'],
    default: 'refuse',
    description: 'whether a run may name a shell command that the operator runs as a gate',
  },
};

export function loadOperatorConfig() {
  return loadConfig(operatorConfigProperties, {
    defaults: { httpPort: DEFAULT_HTTP_PORT, port: DEFAULT_GRPC_PORT },
  });
}
