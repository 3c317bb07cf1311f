/**
 * A link on a transport, under its consumers' own handlers, in a company that the properties share.
 * Each leaves it as it found it; one that fails cannot, and the next gets a new company.
 */
import type { BusinessEvent, Change, Handler } from '../../link/inbox/handler.ts';
import type { LinkDefinition, Transport } from '../../link/link.ts';
import { splitAddress } from '../../runtime/address.ts';
import type { Transaction } from '../../runtime/postgres.ts';
import { Loans } from '../harness/loans.ts';
import { type FaultProxy, startProxy } from '../harness/proxy.ts';
import { InProcessCompany } from '../rigs/inProcess/company.ts';

export interface Subject {
  readonly company: InProcessCompany;
  readonly link: LinkDefinition;
  readonly transport: Transport;
  /** Keys that every handler refuses. */
  readonly poison: Set<string>;
  /** What calls go through. */
  readonly proxies: FaultProxy[];
}

export class SharedSubject {
  readonly #link: LinkDefinition;
  readonly #transport: Transport;
  #loans = new Loans();
  #subject: Subject | undefined;

  constructor(link: LinkDefinition, transport: Transport) {
    this.#link = link;
    this.#transport = transport;
  }

  /** Lends the subject, which is started when nobody has used it yet. */
  async use(work: (subject: Subject) => Promise<void>): Promise<void> {
    this.#subject ??= await startSubject(this.#loans, this.#link, this.#transport);
    try {
      await work(this.#subject);
    } catch (error) {
      await this.release();
      throw error;
    }
  }

  async release(): Promise<void> {
    const loans = this.#loans;
    this.#subject = undefined;
    this.#loans = new Loans();
    await loans.giveBack();
  }
}

async function startSubject(
  owner: Loans,
  link: LinkDefinition,
  transport: Transport,
): Promise<Subject> {
  const poison = new Set<string>();
  const proxies: FaultProxy[] = [];
  const company = await InProcessCompany.start(owner, {
    link: link.id,
    transport,
    wrap: (handler) => failingOn(handler, (key) => poison.has(key)),
    address: async (_consumer, address) => {
      const proxy = await startProxy(owner, { port: splitAddress(address)!.port });
      proxies.push(proxy);
      return proxy.address;
    },
  });
  return { company, link, transport, poison, proxies };
}

function failingOn(handler: Handler, isBad: (key: string) => boolean): Handler {
  const refuse = (key: string) => {
    if (isBad(key)) throw new Error('the handler does not like this one');
  };
  if (handler.kind === 'functional')
    return {
      ...handler,
      apply: async (tx: Transaction, event: BusinessEvent) => {
        refuse(event.key);
        return handler.apply(tx, event);
      },
    };
  return {
    ...handler,
    apply: async (tx: Transaction, changes: readonly Change[]) => {
      for (const { key } of changes) refuse(key);
      return handler.apply(tx, changes);
    },
  };
}
