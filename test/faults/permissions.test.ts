/** Permissions that lack one subject: everything looks connected, and a link stands still. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LinkParticipant } from '../../gen/relink/v1/participant_pb.ts';
import { createRpcClient } from '../../rpc/client.ts';
import { until } from '../harness/until.ts';
import { InProcessCompany, someKeys } from '../rigs/inProcess/company.ts';

const LINK = 'COMM-010';
const CONSUMER = 'hiring';
const patient = { withinMs: 60_000, everyMs: 50 };

/** Services have a user of their own, so that the test is refused nothing. */
function accounts(permissions = '') {
  return `
    authorization { users: [
      { user: services, password: s, ${permissions} }, { user: test, password: test }] }
    no_auth_user: test`;
}

/** What is denied, and what the consumer says of it. */
const DENIED: Readonly<Record<string, { permissions: string; says: RegExp }>> = {
  'asking for messages': {
    permissions: 'permissions: { publish: { deny: "$JS.API.CONSUMER.MSG.NEXT.>" } }',
    says: /does not let this service publish to \$JS\.API\.CONSUMER\.MSG\.NEXT\.COMM-010\.hiring/,
  },
  acknowledging: {
    permissions: 'permissions: { publish: { deny: "$JS.ACK.>" } }',
    says: /does not let this service publish to \$JS\.ACK\.COMM-010\.hiring/,
  },
  'getting answers': {
    permissions: 'permissions: { subscribe: { deny: "_INBOX.>" } }',
    says: /does not let this service subscribe to _INBOX\./,
  },
};

test('each permission that a link lacks is named by its consumer, and nothing is lost meanwhile', async (t) => {
  const company = await InProcessCompany.start(t, {
    ...{ link: LINK, transport: 'async', natsConfig: accounts() },
    natsUrl: (_service, url) => url.replace('//', '//services:s@'),
  });
  const participant = createRpcClient(LinkParticipant, company.addresses.get(CONSUMER)!);
  t.after(() => participant.close());
  const problem = async () => (await participant.getConsumption({ link: LINK })).bindProblem;
  const isDone = async () => (await company.countOpen()) === 0;
  const keys = someKeys(5);
  for (const [what, { permissions, says }] of Object.entries(DENIED)) {
    await company.nats.reload(accounts(permissions));
    await company.writeMany(10, keys);
    await until(async () => says.test(await problem()), { ...patient, what });
    assert.match(
      company.nodes.get(`${CONSUMER}-1`)!.kit.brokerRefusal()!,
      /NATS server does not let/,
    );
  }
  await company.nats.reload(accounts());
  await until(isDone, { ...patient, what: 'all is delivered' });
  await company.oracle();
});
