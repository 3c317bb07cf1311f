/** A process of the producing service that relays what others commit. */
import { benchLink } from '../../events.ts';
import { connectProducer, type RelayOptions } from '../../producer.ts';
import { remoteOptions, serveRemote } from '../../remote.ts';

const { postgresUrl, natsUrl, hiringAddress } = remoteOptions<RelayOptions>();
const { startKit, close } = await connectProducer(postgresUrl, natsUrl, benchLink('async'));
const { stop } = await startKit(hiringAddress);
serveRemote(
  {},
  () => ({}),
  async () => {
    await stop();
    await close();
  },
);
