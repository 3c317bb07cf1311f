/**
 * Pages of digests per epoch and lane. They end with an epoch, so that an epoch is the key to go on
 * after; a link has 16 lanes, and a digest takes some 60 bytes, so a page has about 1 MiB.
 */
import { LANES } from './link.ts';

const EPOCHS = 1_000;
/** One more than a page has: it shows whether there is more. */
export const DIGESTS_READ = EPOCHS * LANES + 1;

export interface EpochPage {
  /** Zero for all. */
  readonly epoch: bigint;
  /** The last epoch of the page before; zero to begin. */
  readonly afterEpoch: bigint;
}

export interface DigestPage<Digest> {
  readonly digests: readonly Digest[];
  /** The epoch to go on after, or zero at the end. */
  readonly nextEpoch: bigint;
}

/** Of rows that were read in the order of their epochs, those of epochs that are surely whole. */
export function wholeEpochs<Digest extends { readonly epoch: bigint }>(
  rows: readonly Digest[],
): DigestPage<Digest> {
  if (rows.length < DIGESTS_READ) return { digests: rows, nextEpoch: 0n };
  const last = rows.at(-1)!.epoch;
  const digests = rows.filter(({ epoch }) => epoch < last);
  return { digests, nextEpoch: digests.at(-1)!.epoch };
}
