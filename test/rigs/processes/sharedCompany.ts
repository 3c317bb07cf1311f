/**
 * One company for all cases of a test file: starting one takes as long as a case. Whoever shares it
 * leaves it as it was found: links on their first transports, no dead letters, nobody stopped.
 */
import { after, before } from 'node:test';
import { ProcessCompany, type ProcessCompanyOptions } from './company.ts';

export interface SharedOptions extends ProcessCompanyOptions {
  /** What goes on in it from the first case to the last. */
  readonly live?: (company: ProcessCompany) => Promise<unknown>;
}

/** Called once at the top of a file; what it returns is called in hooks and tests. */
export function shareCompany({ live, ...options }: SharedOptions = {}): () => ProcessCompany {
  let company: ProcessCompany | undefined;
  before(async () => {
    company = await ProcessCompany.start(options);
    await live?.(company);
  });
  after(() => company?.stop());
  return () => {
    if (!company) throw new Error('the company is started before the first test');
    return company;
  };
}
