import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'postgresql',
  schema: './db/link/tables.ts',
  out: './db/link/expand',
});
