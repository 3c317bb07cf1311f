import { serve } from 'relink/rpc';
import { FinanceService } from '../../gen/finance/v1/finance_service_pb.ts';
import { runService } from '../service.ts';
import { transferMoney } from './events/orders.ts';
import { financeHandlers } from './rpc/finance.ts';
import { misbehaving } from './rpc/misbehave.ts';
import { readBehaviour } from './store/behaviour.ts';

await runService({
  name: 'finance',
  links: { handlers: { 'COMM-080': transferMoney } },
  services: ({ sql, config }) => {
    const served = serve(FinanceService, financeHandlers({ sql, isProduction: config.production }));
    return [misbehaving(served, () => readBehaviour(sql))];
  },
  wrapLinks: (served, { sql }) => misbehaving(served, () => readBehaviour(sql)),
});
