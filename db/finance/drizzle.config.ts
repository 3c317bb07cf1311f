import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'postgresql',
  schema: './db/finance/tables.ts',
  out: './db/finance/expand',
});
