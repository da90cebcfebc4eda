import { bigint, integer, pgTable, text, timestamp } from 'drizzle-orm/pg-core';

// region model
export const customers = pgTable('customers', {
  id: bigint({ mode: 'number' }).primaryKey().generatedByDefaultAsIdentity(),
  name: text().notNull().unique('customers_name_key'),
  status: text(),
  phone: text(),
  lock_version: integer().notNull().default(1),
  updated_at: timestamp({ withTimezone: true }).notNull().defaultNow(),
});
// endregion
