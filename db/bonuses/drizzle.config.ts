import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'postgresql',
  schema: './db/bonuses/tables.ts',
  out: './db/bonuses/expand',
});
