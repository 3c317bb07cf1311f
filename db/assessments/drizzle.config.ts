import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'postgresql',
  schema: './db/assessments/tables.ts',
  out: './db/assessments/expand',
});
