import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'postgresql',
  schema: './db/management/tables.ts',
  out: './db/management/expand',
});
