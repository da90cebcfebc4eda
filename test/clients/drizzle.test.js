// Drizzle: a query builder, with the optimistic lock that the application writes.
import { and, eq, inArray, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { bigint, integer, pgTable, text, timestamp } from 'drizzle-orm/pg-core';
import pg from 'pg';
import { cases } from './cases.js';

// region model
const customers = pgTable('customers', {
  id: bigint({ mode: 'number' }).primaryKey().generatedByDefaultAsIdentity(),
  name: text().notNull().unique(),
  status: text(),
  phone: text(),
  lock_version: integer().notNull().default(1),
  updated_at: timestamp({ withTimezone: true }).notNull().defaultNow(),
});
// endregion

let pool;
let db;

cases('Drizzle', {
  open(url) {
    pool = new pg.Pool({ connectionString: url });
    db = drizzle(pool);
  },
  close: () => pool.end(),
  read: async (id) => (await db.select().from(customers).where(eq(customers.id, id)))[0],
  stale: /stale/,
  async save(row) {
    const { id, lock_version: version, status, phone } = row;
    const [saved] = await db.update(customers).set({ status, phone, lock_version: version + 1 })
      .where(and(eq(customers.id, id), eq(customers.lock_version, version))).returning();
    if (!saved) throw new Error('stale');
    Object.assign(row, saved);
  },
  insertMany: (rows) => db.insert(customers).values(rows),
  updateMany: (ids, changes) => db.update(customers).set(changes).where(inArray(customers.id, ids)),
  upsert: (row) => db.insert(customers).values(row).onConflictDoUpdate({ target: customers.name, set: { status: row.status } }),
  // region save
  async call([id, seen, status, comment, author], transaction = db) {
    const { rows: [saved] } = await transaction.execute(
      sql`SELECT * FROM crm_update_customer(${id}, ${seen}, ${status}, ${comment}, ${author})`);
    return saved;
  },
  // endregion
  // region transaction
  // commits when the callback returns, also a refused save; rolls back when it throws
  transaction: (callback) => db.transaction(callback),
  // endregion
  schemaTool: 'drizzle-kit is a package of its own',
  reset: 'drizzle-kit is a package of its own',
});
