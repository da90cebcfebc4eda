// node-postgres: the application writes its own SQL.
import assert from 'node:assert/strict';
import pg from 'pg';
import { cases, SAVE } from './cases.js';

const users = 30;
let pool;

const own = cases('node-postgres', {
  open(url) {
    pool = new pg.Pool({ connectionString: url, max: users });
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

const one = async (text, values) => (await pool.query(text, values)).rows[0];
const seenOf = async (id) => (await one('SELECT updated_at FROM customers WHERE id = $1', [id])).updated_at;

own('types', async (id) => {
  const seen = await seenOf(id);
  // the microseconds are missing in a Date, which only the functions allow for
  assert.equal((await pool.query('UPDATE customers SET phone = $3 WHERE id = $1 AND updated_at = $2', [id, seen, '2'])).rowCount, 0);
  const saved = await one(SAVE, [id, seen, 'lost', 'They went elsewhere', 'ben']);
  assert.ok(saved.updated_at instanceof Date);
  assert.equal(saved.detail, null);
  const refused = await one(SAVE, [id, seen, 'won', 'Signed', 'ana']);
  assert.equal(typeof refused.comment_id, 'string'); // as node-postgres gives every bigint
  assert.equal(new Date(refused.detail.current.updated_at).getTime(), refused.updated_at.getTime());
});

own('named arguments', async (id) => {
  const seen = await seenOf(id);
  await one(SAVE, [id, seen, 'lost', null, 'ben']);
  const merged = await one(
    'SELECT * FROM crm_update_customer(id => $1, expected_ts => $2, status => NULL, comment => NULL, author => $3, merge => true, fields => $4)',
    [id, seen, 'ana', { phone: '555 0100' }],
  );
  assert.equal(merged.outcome, 'merged');
  const { status, phone } = await one('SELECT * FROM customers WHERE id = $1', [id]);
  assert.deepEqual([status, phone], ['lost', '555 0100']);
});

own('prepared statement', async () => {
  for (let n = 0; n < 8; n++) {
    const { id } = await one("INSERT INTO customers (name) VALUES (concat('prepared ', $1::int)) RETURNING id", [n]);
    const { rows: [saved] } = await pool.query({ name: 'save', text: SAVE, values: [id, await seenOf(id), 'won', null, 'ana'] });
    assert.equal(saved.outcome, 'updated');
  }
});

own('errors', async (id) => {
  await assert.rejects(pool.query(SAVE, [id, null, 'won', null, 'ana']), { code: 'PT428', hint: /updated_at/ });
  await assert.rejects(pool.query(SAVE, [id, new Date(), 'won', null, null]), { code: '22004' });
  await assert.rejects(pool.query(SAVE, ['x', new Date(), 'won', null, 'ana']), { code: '22P02' });
});

// one wins, the others are told, every comment is there
own(`${users} at once`, async (id) => {
  const seen = await seenOf(id);
  const answers = await Promise.all(
    Array.from({ length: users }, (_, n) => one(SAVE, [id, seen, `status ${n}`, `comment ${n}`, `user${n}`])),
  );
  assert.equal(answers.filter(({ outcome }) => outcome === 'updated').length, 1);
  assert.equal(answers.filter(({ outcome }) => outcome === 'conflict').length, users - 1);
  const { rows } = await pool.query('SELECT DISTINCT author, body FROM customers_comments WHERE customer_id = $1', [id]);
  assert.equal(rows.length, users);
  assert.deepEqual((await pool.query('SELECT * FROM crm_verify($1)', [id])).rows, []);
});

own('LISTEN', async (id) => {
  const listener = await pool.connect();
  const writer = await pool.connect();
  try {
    const heard = new Promise((resolve, reject) => {
      AbortSignal.timeout(30_000).onabort = () => reject(new Error('no event within 30 s'));
      listener.on('notification', ({ payload }) => {
        const event = JSON.parse(payload);
        if (event.key === id) resolve(event);
      });
    });
    await listener.query('LISTEN crm_concurrency');
    await writer.query('SET crm_concurrency.events = notify');
    const { rows: [{ updated_at }] } = await writer.query(SAVE, [id, await seenOf(id), 'heard', null, 'ana']);
    const event = await heard;
    assert.deepEqual([event.event, event.table, event.operation], ['version', 'public.customers', 'update']);
    assert.equal(new Date(event.version).getTime(), updated_at.getTime());
  } finally {
    writer.release(true);
    listener.release(true);
  }
});

own('many saves', async (id) => {
  const { id: other } = await one("INSERT INTO customers (name) VALUES ('Bolt') RETURNING id");
  const saves = [];
  for (const key of [other, id]) {
    saves.push({ id: key, expected_ts: await seenOf(key), status: 'batch', author: 'ana' });
  }
  const { rows } = await pool.query('SELECT * FROM crm_update_customers($1)', [JSON.stringify(saves)]);
  assert.deepEqual(rows.map(({ ord, outcome }) => [ord, outcome]), [[1, 'updated'], [2, 'updated']]);
});
