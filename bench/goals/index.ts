/** Every benchmark, in the order of the goals. */
import type { Benchmark } from '../benchmark.ts';
import { businessTransactions } from './businessTransactions.ts';
import { chainDrain } from './chainDrain.ts';
import { consumerDrain } from './consumerDrain.ts';
import { endToEnd } from './endToEnd.ts';
import { inlineDelivery } from './inlineDelivery.ts';
import { jobQueue } from './jobQueue.ts';
import { linkCalls } from './linkCalls.ts';
import { recovery } from './recovery.ts';
import { relayDrain } from './relayDrain.ts';
import { replicas } from './replicas.ts';

export const benchmarks: readonly Benchmark[] = [
  relayDrain,
  chainDrain,
  consumerDrain,
  jobQueue,
  businessTransactions,
  endToEnd,
  linkCalls,
  inlineDelivery,
  recovery,
  replicas,
];
