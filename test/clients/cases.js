// The cases that each library of JavaScript is put through, in the order of cases.json.
import assert from 'node:assert/strict';
import { appendFileSync, readFileSync } from 'node:fs';
import { after, before, beforeEach, test } from 'node:test';
import pg from 'pg';

const file = (name) => readFileSync(new URL(name, import.meta.url), 'utf8');

// the SQL of a call, for libraries that bind by $1
export const SAVE = 'SELECT * FROM crm_update_customer($1, $2, $3, $4, $5)';

// What a client does, or instead of a function the reason why it does not:
//   open(url), close()
//   table                              what it needs otherwise in the table, as for ALTER TABLE
//   read(id)                           the library's model, or a row
//   save(model)                        by the library's own means; throws where its optimistic lock refuses
//   insertMany(rows), updateMany(ids, changes), upsert(row)
//   call([id, seen, status, comment, author], transaction)   crm_update_customer
//   transaction(callback)
//   schemaTool(), reset()
// Returns a function for tests of its own: (name, callback), the callback being called with a customer's id.
export function cases(library, client) {
  const name = `clients_${library.toLowerCase().replace(/[^a-z0-9]+/g, '_')}`;
  const url = Object.assign(new URL(process.env.DATABASE_URL), { pathname: `/${name}` }).href;
  let db;
  let id;
  const rows = async (text, values) => (await db.query(text, values)).rows;
  const stored = async () => (await rows('SELECT * FROM customers WHERE id = $1', [id]))[0];
  const inMs = (version) => new Date(version).getTime();
  const changes = async () => (await rows('SELECT count(*)::int AS n FROM crm.customers_history'))[0].n;
  const comments = async () => (await rows('SELECT body FROM crm.customers_comments WHERE customer_id = $1 ORDER BY id', [id])).map(({ body }) => body);
  const call = (...values) => client.call([id, ...values]);
  const isWell = async () => {
    assert.deepEqual(await rows("SELECT check_name, finding FROM crm.crm_doctor() WHERE status = 'error' AND check_name <> 'settings'"), []);
    assert.deepEqual(await rows('SELECT * FROM crm.crm_verify()'), []);
  };

  const all = {
    'model save': async () => {
      let before = await stored();
      const model = await client.read(id);
      // the second save goes on from what the first left in the model
      for (const status of ['won', 'paid']) {
        model.status = status;
        await client.save(model);
        const now = await stored();
        assert.equal(now.status, status);
        assert.ok(now.updated_at > before.updated_at, 'the version advances');
        assert.equal(inMs(model.updated_at), inMs(now.updated_at), 'the model has the new version');
        if ('lock_version' in model) assert.equal(model.lock_version, now.lock_version);
        before = now;
      }
      assert.equal((await call(model.updated_at, 'closed', null, 'ana')).outcome, 'updated');
    },
    'own lock': async () => {
      const [first, second] = [await client.read(id), await client.read(id)];
      first.status = 'won';
      await client.save(first);
      second.status = 'lost';
      await assert.rejects(client.save(second), client.stale, 'its own save before');
      const third = await client.read(id);
      assert.equal((await call(third.updated_at, 'paid', null, 'ana')).outcome, 'updated');
      third.phone = '2';
      await assert.rejects(client.save(third), client.stale, 'a save by the function before');
      const fresh = await client.read(id);
      fresh.phone = '3';
      await client.save(fresh);
      const { status, phone } = await stored();
      assert.deepEqual([status, phone], ['paid', '3']);
    },
    'bulk insert': async () => {
      await client.insertMany([{ name: 'bulk 1', status: 'new' }, { name: 'bulk 2', status: 'new' }]);
      const made = await rows("SELECT updated_at FROM customers WHERE name LIKE 'bulk _'");
      assert.equal(made.length, 2);
      assert.ok(made.every(({ updated_at: version }) => version instanceof Date));
    },
    'bulk update': async () => {
      const before = await rows("SELECT id, updated_at FROM customers WHERE name LIKE 'bulk _' ORDER BY id");
      const recorded = await changes();
      await client.updateMany(before.map((row) => row.id), { status: 'won' });
      const now = await rows("SELECT status, updated_at FROM customers WHERE name LIKE 'bulk _' ORDER BY id");
      now.forEach(({ status, updated_at: version }, i) => {
        assert.equal(status, 'won');
        assert.ok(version > before[i].updated_at);
      });
      assert.equal(await changes(), recorded + 2);
    },
    upsert: async () => {
      const before = await stored();
      await client.upsert({ name: before.name, status: 'upserted' });
      const now = await stored();
      assert.equal(now.status, 'upserted');
      assert.ok(now.updated_at > before.updated_at);
      assert.equal((await call(before.updated_at, 'won', null, 'ana')).outcome, 'conflict');
    },
    function: async () => {
      const { updated_at: seen } = await client.read(id);
      const saved = await call(seen, 'won', 'Signed', 'ana');
      assert.deepEqual([saved.outcome, saved.http_status], ['updated', 200]);
      assert.equal((await call(saved.updated_at, 'paid', null, 'ana')).outcome, 'updated');
      // as a browser sends it back
      const sent = JSON.parse(JSON.stringify((await client.read(id)).updated_at));
      assert.equal((await call(sent, 'closed', null, 'ana')).outcome, 'updated');
      assert.deepEqual(await comments(), ['Signed']);
    },
    conflict: async () => {
      const { updated_at: seen } = await client.read(id);
      await call(seen, 'lost', null, 'ben');
      const refused = await call(seen, 'won', 'Signed', 'ana');
      assert.deepEqual([refused.outcome, refused.http_status], ['conflict', 409]);
      assert.deepEqual(refused.detail.conflicts, [{ field: 'status', was: 'new', mine: 'won', theirs: 'lost' }]);
      assert.equal((await call(refused.updated_at, 'won', 'Signed', 'ana')).outcome, 'updated');
      assert.deepEqual(await comments(), ['Signed']);
    },
    'commit rule': async () => {
      const { updated_at: seen } = await client.read(id);
      await call(seen, 'lost', null, 'ben');
      const refused = await client.transaction((transaction) => client.call([id, seen, 'won', 'kept', 'ana'], transaction));
      assert.equal(refused.outcome, 'conflict');
      assert.deepEqual(await comments(), ['kept']);
      const thrown = new Error('409');
      await assert.rejects(client.transaction(async (transaction) => {
        await client.call([id, seen, 'won', 'lost with the transaction', 'eve'], transaction);
        throw thrown;
      }), thrown);
      assert.deepEqual(await comments(), ['kept']);
    },
    'schema tool': async () => {
      await call((await stored()).updated_at, 'won', 'before', 'ana');
      await client.schemaTool();
      await isWell();
      assert.deepEqual(await comments(), ['before']);
      assert.equal((await call((await stored()).updated_at, 'paid', 'after', 'ana')).outcome, 'updated');
    },
    // It drops the table and makes it again: what is left of ours is dropped, too, as crm_doctor tells.
    reset: async () => {
      await client.reset();
      await assert.rejects(db.query(file('attach.sql')), { code: '42P07', hint: /crm_doctor/ });
      const [{ hint }] = await rows("SELECT hint FROM crm.crm_doctor() WHERE finding ~ '^an attached table was dropped'");
      await db.query(hint);
      await db.query(file('attach.sql'));
      [{ id }] = await rows("INSERT INTO customers (name, status) VALUES ('after the reset', 'new') RETURNING id");
      const { updated_at: seen } = await client.read(id);
      assert.equal((await call(seen, 'won', 'Signed', 'ana')).outcome, 'updated');
      await isWell();
    },
  };

  before(async () => {
    const postgres = new pg.Client({ connectionString: process.env.DATABASE_URL });
    await postgres.connect();
    await postgres.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    await postgres.query(`CREATE DATABASE ${name}`);
    await postgres.end();
    const made = new pg.Client({ connectionString: url });
    await made.connect();
    await made.query(file('customers.sql'));
    if (client.table) await made.query(`ALTER TABLE customers ${client.table}`);
    await made.query(file('attach.sql'));
    await made.end();
    db = new pg.Pool({ connectionString: url, max: 1 });
    await client.open(url);
  });
  after(async () => {
    await client.close();
    await db.end();
  });
  let number = 0;
  beforeEach(async () => {
    // of microseconds, as existing tables hold them, which a Date does not
    [{ id }] = await rows(
      "INSERT INTO customers (name, status, phone, updated_at) VALUES ($1, 'new', '1', '2026-01-05 10:00:00.123987+00') RETURNING id",
      [`${++number}`],
    );
  });

  const note = (name, result) => {
    if (process.env.CLIENTS_MATRIX) appendFileSync(process.env.CLIENTS_MATRIX, `${library}\t${name}\t${result}\n`);
  };
  const testCase = (name, callback) => test(`${library}: ${name}`, async () => {
    note(name, 'FAILED');
    await callback();
    note(name, 'ok');
  });
  for (const name of JSON.parse(file('cases.json'))) {
    const operation = { 'schema tool': 'schemaTool', 'own lock': 'stale' }[name] ?? name;
    if (typeof client[operation] === 'string') {
      note(name, client[operation]);
    } else {
      testCase(name, all[name]);
    }
  }
  return (name, callback) => testCase(name, () => callback(id));
}
