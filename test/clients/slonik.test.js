// slonik: the application writes its own SQL; a time is read as milliseconds, and bound by sql.timestamp.
import assert from 'node:assert/strict';
import { createPool, sql } from 'slonik';
import { cases } from './cases.js';

let pool;

const own = cases('slonik', {
  async open(url) {
    pool = await createPool(url);
  },
  close: () => pool.end(),
  read: async (id) => ({ ...await pool.one(sql.unsafe`SELECT * FROM customers WHERE id = ${id}`) }),
  stale: /stale/,
  async save(row) {
    const saved = await pool.maybeOne(sql.unsafe`
      UPDATE customers SET status = ${row.status}, phone = ${row.phone}, lock_version = lock_version + 1
      WHERE id = ${row.id} AND lock_version = ${row.lock_version} RETURNING *`);
    if (!saved) throw new Error('stale');
    Object.assign(row, saved);
  },
  insertMany: (rows) => pool.query(sql.unsafe`
    INSERT INTO customers (name, status)
    SELECT * FROM ${sql.unnest(rows.map(({ name, status }) => [name, status]), ['text', 'text'])}`),
  updateMany: (ids, { status }) => pool.query(sql.unsafe`
    UPDATE customers SET status = ${status} WHERE id = ANY (${sql.array(ids, 'int8')})`),
  upsert: ({ name, status }) => pool.query(sql.unsafe`
    INSERT INTO customers (name, status) VALUES (${name}, ${status}) ON CONFLICT (name) DO UPDATE SET status = EXCLUDED.status`),
  // region save
  // a time is read as milliseconds since 1970, which crm_update_customer does not take: sql.timestamp makes it a time
  async call([id, seen, status, comment, author], connection = pool) {
    return connection.one(sql.unsafe`
      SELECT * FROM crm_update_customer(${id}, ${sql.timestamp(new Date(seen))}, ${status}, ${comment}, ${author})`);
  },
  // endregion
  // region transaction
  // commits when the callback returns, also a refused save; rolls back when it throws
  transaction: (callback) => pool.transaction(callback),
  // endregion
  schemaTool: 'a driver has none',
  reset: 'a driver has none',
});

own('binding', async (id) => {
  const { updated_at: seen } = await pool.one(sql.unsafe`SELECT updated_at FROM customers WHERE id = ${id}`);
  assert.equal(seen, Date.parse('2026-01-05T10:00:00.123Z'));
  const saved = (version) => pool.one(sql.unsafe`SELECT outcome FROM crm_update_customer(${id}, ${version}, 'won', NULL, 'ana')`);
  await assert.rejects(saved(seen));
  assert.deepEqual(await saved(sql.timestamp(new Date(seen))), { outcome: 'updated' });
});
