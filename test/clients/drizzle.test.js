// Drizzle: a query builder, with the optimistic lock that the application writes.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { and, eq, inArray, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import pg from 'pg';
import { cases } from './cases.js';
import { customers } from './drizzle/schema.js';

let url;
let pool;
let db;

cases('Drizzle', {
  open(given) {
    url = given;
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
  async schemaTool() {
    const { stdout } = await promisify(execFile)(
      'node_modules/.bin/drizzle-kit', ['push', '--strict', '--verbose', '--config', 'drizzle/drizzle.config.js'],
      { env: { ...process.env, DATABASE_URL: url } },
    );
    assert.match(stdout, /No changes detected/);
  },
  reset: 'drizzle-kit has none',
});
