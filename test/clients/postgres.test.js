// postgres.js: the application writes its own SQL, in template strings.
import postgres from 'postgres';
import { cases } from './cases.js';

let sql;

cases('postgres.js', {
  open(url) {
    sql = postgres(url, { onnotice() {} });
  },
  close: () => sql.end(),
  read: async (id) => (await sql`SELECT * FROM customers WHERE id = ${id}`)[0],
  stale: /stale/,
  async save(row) {
    const [saved] = await sql`
      UPDATE customers SET ${sql(row, 'status', 'phone')}, lock_version = lock_version + 1
      WHERE id = ${row.id} AND lock_version = ${row.lock_version} RETURNING *`;
    if (!saved) throw new Error('stale');
    Object.assign(row, saved);
  },
  insertMany: (rows) => sql`INSERT INTO customers ${sql(rows)}`,
  updateMany: (ids, changes) => sql`UPDATE customers SET ${sql(changes)} WHERE id IN ${sql(ids)}`,
  upsert: (row) => sql`INSERT INTO customers ${sql(row)} ON CONFLICT (name) DO UPDATE SET status = EXCLUDED.status`,
  // region save
  async call([id, seen, status, comment, author], transaction = sql) {
    const [saved] = await transaction`
      SELECT * FROM crm_update_customer(${id}, ${seen}, ${status}, ${comment}, ${author})`;
    return saved;
  },
  // endregion
  // region transaction
  // commits when the callback returns, also a refused save; rolls back when it throws
  transaction: (callback) => sql.begin(callback),
  // endregion
  schemaTool: 'a driver has none',
  reset: 'a driver has none',
});
