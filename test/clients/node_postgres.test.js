// What a web developer meets with node-postgres: DATABASE_URL names a database with the extension and its tables.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import pg from 'pg';

const users = 30;
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: users });
after(() => pool.end());
before(async () => assert.ok(process.env.DATABASE_URL, 'DATABASE_URL names the database'));

const save = 'SELECT * FROM crm_update_customer($1, $2, $3, $4, $5)';
const one = async (text, values) => (await pool.query(text, values)).rows[0];
const read = (id) => one('SELECT * FROM customers WHERE id = $1', [id]);

let id;
beforeEach(async () => {
  ({ id } = await one("INSERT INTO customers (name, phone) VALUES ('Acme', '1') RETURNING id"));
});

test('updated_at as a Date goes back and does not conflict', async () => {
  const { updated_at: seen } = await read(id);
  assert.ok(seen instanceof Date);
  const saved = await one(save, [id, seen, 'won', 'Signed', 'ana']);
  assert.equal(saved.outcome, 'updated');
  assert.ok(saved.updated_at instanceof Date);
  assert.equal(saved.detail, null);
  // and so does the Date of the answer, and one that went through JSON
  assert.equal((await one(save, [id, saved.updated_at, 'paid', null, 'ana'])).outcome, 'updated');
  const again = JSON.parse(JSON.stringify(await read(id)));
  assert.equal((await one(save, [again.id, again.updated_at, 'closed', null, 'ana'])).outcome, 'updated');
});

test('versions of microseconds, as an existing table may hold them, survive a Date', async () => {
  const client = await pool.connect();
  try {
    await client.query('DROP SCHEMA IF EXISTS micro CASCADE; CREATE SCHEMA micro; SET search_path = micro, public');
    await client.query("CREATE TABLE accounts (id int PRIMARY KEY, status text, updated_at timestamptz NOT NULL); INSERT INTO accounts VALUES (1, 'new', '2026-01-05 10:00:00.123987+00')");
    await client.query("SELECT crm_attach('accounts')");
    const { rows: [{ updated_at: seen }] } = await client.query('SELECT updated_at FROM accounts');
    const { rows: [saved] } = await client.query(save, [1, seen, 'won', null, 'ana']);
    assert.equal(saved.outcome, 'updated');
  } finally {
    client.release(true);
  }
});

test('a conflict is an answer, with its detail as an object', async () => {
  const { updated_at: seen } = await read(id);
  await one(save, [id, seen, 'lost', 'They went elsewhere', 'ben']);
  const conflict = await one(save, [id, seen, 'won', 'Signed', 'ana']);
  assert.deepEqual([conflict.outcome, conflict.http_status, conflict.status], ['conflict', 409, 'lost']);
  assert.deepEqual(conflict.detail.conflicts, [{ field: 'status', was: 'new', mine: 'won', theirs: 'lost' }]);
  assert.equal(conflict.detail.changes[0].author, 'ben');
  assert.equal(new Date(conflict.detail.current.updated_at).getTime(), conflict.updated_at.getTime());
  assert.equal(typeof conflict.comment_id, 'string'); // bigint, as node-postgres gives it
  // from what the conflict told, the next save succeeds and adopts the comment
  const next = await one(save, [id, conflict.updated_at, 'won', 'Signed', 'ana']);
  assert.deepEqual([next.outcome, next.comment_id], ['updated', conflict.comment_id]);
});

test('named arguments, objects as fields, and a merge', async () => {
  const { updated_at: seen } = await read(id);
  await one(save, [id, seen, 'lost', null, 'ben']);
  const merged = await one(
    'SELECT * FROM crm_update_customer(id => $1, expected_ts => $2, status => NULL, comment => NULL, author => $3, merge => true, fields => $4)',
    [id, seen, 'ana', { phone: '555 0100' }],
  );
  assert.equal(merged.outcome, 'merged');
  const row = await read(id);
  assert.deepEqual([row.status, row.phone], ['lost', '555 0100']);
});

test('a prepared statement serves every customer', async () => {
  for (let n = 0; n < 8; n++) {
    const { id } = await one("INSERT INTO customers (name) VALUES ('Acme') RETURNING id");
    const { updated_at: seen } = await read(id);
    const { rows: [saved] } = await pool.query({ name: 'save', text: save, values: [id, seen, 'won', null, 'ana'] });
    assert.equal(saved.outcome, 'updated');
  }
});

test('errors carry SQLSTATE, detail and hint', async () => {
  await assert.rejects(pool.query(save, [id, null, 'won', null, 'ana']), { code: 'PT428', hint: /updated_at/ });
  await assert.rejects(pool.query(save, [id, new Date(), 'won', null, null]), { code: '22004' });
  await assert.rejects(pool.query(save, ['x', new Date(), 'won', null, 'ana']), { code: '22P02' });
});

test(`${users} at once: one wins, the others are told, every comment is there`, async () => {
  const { updated_at: seen } = await read(id);
  const answers = await Promise.all(
    Array.from({ length: users }, (_, n) => one(save, [id, seen, `status ${n}`, `comment ${n}`, `user${n}`])),
  );
  assert.equal(answers.filter(({ outcome }) => outcome === 'updated').length, 1);
  assert.equal(answers.filter(({ outcome }) => outcome === 'conflict').length, users - 1);
  const { rows } = await pool.query('SELECT DISTINCT author, body FROM comments WHERE customer_id = $1', [id]);
  assert.equal(rows.length, users);
  assert.deepEqual((await pool.query('SELECT * FROM crm_verify($1)', [id])).rows, []);
});

test('a save in a transaction that is rolled back keeps nothing', async () => {
  const { updated_at: seen } = await read(id);
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    const { rows: [saved] } = await client.query(save, [id, seen, 'won', 'Not kept', 'ana']);
    assert.equal(saved.outcome, 'updated');
    await client.query('ROLLBACK');
  } finally {
    client.release();
  }
  assert.equal((await read(id)).status, 'new');
  assert.equal((await pool.query('SELECT FROM comments WHERE customer_id = $1', [id])).rowCount, 0);
});

test('LISTEN hears of the save', async () => {
  const listener = new pg.Client({ connectionString: process.env.DATABASE_URL });
  await listener.connect();
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
    const { rows: [{ updated_at }] } = await writer.query(save, [id, (await read(id)).updated_at, 'heard', null, 'ana']);
    const event = await heard;
    assert.deepEqual([event.event, event.table, event.operation], ['version', 'public.customers', 'update']);
    assert.equal(new Date(event.version).getTime(), updated_at.getTime());
  } finally {
    writer.release(true);
    await listener.end();
  }
});

test('many saves as one array', async () => {
  const { id: other } = await one("INSERT INTO customers (name) VALUES ('Bolt') RETURNING id");
  const saves = [];
  for (const key of [other, id]) {
    saves.push({ id: key, expected_ts: (await read(key)).updated_at, status: 'batch', author: 'ana' });
  }
  const { rows } = await pool.query('SELECT * FROM crm_update_customers($1)', [JSON.stringify(saves)]);
  assert.deepEqual(rows.map(({ ord, outcome }) => [ord, outcome]), [[1, 'updated'], [2, 'updated']]);
});
