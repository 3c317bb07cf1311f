/** The whole company as processes, two of each service, with every link. */

import { SERVICES } from '../../dev/services.ts';
import type { Transport } from '../../link/link.ts';
import { links } from '../../services/links.ts';
import type { Owner } from '../harness/owner.ts';
import { until } from '../harness/until.ts';
import { InProcessCompany } from '../rigs/inProcess/company.ts';
import { Fleet } from '../rigs/processes/fleet.ts';

export const REPLICAS = 2;
const SHARED_LIMIT_MS = 90_000;

export interface Rolling {
  readonly company: InProcessCompany;
  readonly fleet: Fleet;
}

export async function startRolling(t: Owner): Promise<Rolling> {
  const [first, ...others] = Object.values(links);
  const beside = others.map(({ id, starts }): [string, Transport] => [id, starts.transport]);
  const services = SERVICES.map(({ name }) => name);
  const company = await InProcessCompany.start(t, {
    link: first!.id,
    beside: Object.fromEntries(beside),
    elsewhere: services,
  });
  const fleet = await Fleet.start(t, company, {
    replicas: Object.fromEntries(services.map((name) => [name, REPLICAS])),
    // A process that stopped as it should says so.
    env: Object.fromEntries(services.map((name) => [name, { RELINK_LOG_LEVEL: 'info' }])),
  });
  return { company, fleet };
}

/** Waits until each replica of a producer owns its share of the lanes of every link. */
export async function untilLanesAreShared({ company }: Rolling): Promise<void> {
  for (const link of Object.values(company.links))
    await until(
      async () => {
        const owners = await company.sqlOf.get(link.producer)!<{ owner: string; lanes: number }[]>`
          select owner, count(*)::int as lanes from relink.lanes
          where link = ${link.id} and expires_at > clock_timestamp() group by owner`;
        const shares = owners.map(({ lanes }) => lanes);
        if (shares.join() === '8,8') return true;
        throw new Error(`${shares}`);
      },
      { withinMs: SHARED_LIMIT_MS, what: `lanes of ${link.id} are shared`, everyMs: 50 },
    );
}
