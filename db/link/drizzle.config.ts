import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'postgresql',
  schema: ['./db/link/schema.ts', './db/link/producer.ts', './db/link/consumer.ts'],
  out: './db/link/expand',
});
