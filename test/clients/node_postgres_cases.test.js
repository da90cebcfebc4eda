// node-postgres: the application writes its own SQL.
import pg from 'pg';
import { cases, SAVE } from './cases.js';

let pool;

cases('node-postgres', {
  open(url) {
    pool = new pg.Pool({ connectionString: url });
  },
  close: () => pool.end(),
  read: async (id) => (await pool.query('SELECT * FROM customers WHERE id = $1', [id])).rows[0],
  stale: /stale/,
  async save(row) {
    const { rows: [saved] } = await pool.query(
      `UPDATE customers SET status = $3, phone = $4, lock_version = lock_version + 1
       WHERE id = $1 AND lock_version = $2 RETURNING *`,
      [row.id, row.lock_version, row.status, row.phone],
    );
    if (!saved) throw new Error('stale');
    Object.assign(row, saved);
  },
  insertMany: (rows) => pool.query(
    'INSERT INTO customers (name, status) SELECT name, status FROM jsonb_to_recordset($1) AS r(name text, status text)',
    [JSON.stringify(rows)],
  ),
  updateMany: (ids, { status }) => pool.query('UPDATE customers SET status = $2 WHERE id = ANY ($1)', [ids, status]),
  upsert: ({ name, status }) => pool.query(
    'INSERT INTO customers (name, status) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET status = EXCLUDED.status',
    [name, status],
  ),
  // region save
  // values: [id, updated_at as it was read, status, comment, author]
  async call(values, client = pool) {
    return (await client.query(SAVE, values)).rows[0];
  },
  // endregion
  // region transaction
  async transaction(callback) {
    const client = await pool.connect();
    try {
      await client.query('BEGIN');
      const result = await callback(client);
      await client.query('COMMIT'); // whatever the outcome is: it keeps the comment of a refused save
      return result;
    } catch (error) {
      await client.query('ROLLBACK');
      throw error;
    } finally {
      client.release();
    }
  },
  // endregion
  schemaTool: 'a driver has none',
  reset: 'a driver has none',
});
