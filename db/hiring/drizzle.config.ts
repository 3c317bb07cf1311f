import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'postgresql',
  schema: './db/hiring/tables.ts',
  out: './db/hiring/expand',
});
