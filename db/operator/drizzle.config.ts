import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'postgresql',
  schema: './db/operator/tables.ts',
  out: './db/operator/expand',
});
