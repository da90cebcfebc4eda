// Kysely: a query builder, with the optimistic lock that the application writes.
import { Kysely, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import { cases } from './cases.js';

let db;

cases('Kysely', {
  open(url) {
    db = new Kysely({ dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: url }) }) });
  },
  close: () => db.destroy(),
  read: (id) => db.selectFrom('customers').selectAll().where('id', '=', id).executeTakeFirst(),
  stale: /stale/,
  async save(row) {
    const { id, lock_version: version, status, phone } = row;
    const saved = await db.updateTable('customers').set({ status, phone, lock_version: version + 1 })
      .where('id', '=', id).where('lock_version', '=', version).returningAll().executeTakeFirst();
    if (!saved) throw new Error('stale');
    Object.assign(row, saved);
  },
  insertMany: (rows) => db.insertInto('customers').values(rows).execute(),
  updateMany: (ids, changes) => db.updateTable('customers').set(changes).where('id', 'in', ids).execute(),
  upsert: (row) => db.insertInto('customers').values(row)
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ status: row.status })).execute(),
  // region save
  async call([id, seen, status, comment, author], transaction = db) {
    const { rows: [saved] } = await sql`
      SELECT * FROM crm_update_customer(${id}, ${seen}, ${status}, ${comment}, ${author})`.execute(transaction);
    return saved;
  },
  // endregion
  // region transaction
  // commits when the callback returns, also a refused save; rolls back when it throws
  transaction: (callback) => db.transaction().execute(callback),
  // endregion
  schemaTool: 'migrations are written by hand',
  reset: 'migrations are written by hand',
});
