// Knex: a query builder, with the optimistic lock that the application writes.
import assert from 'node:assert/strict';
import knex from 'knex';
import { cases } from './cases.js';

let db;

const own = cases('Knex', {
  open(url) {
    db = knex({ client: 'pg', connection: url });
  },
  close: () => db.destroy(),
  read: (id) => db('customers').where({ id }).first(),
  stale: /stale/,
  async save(row) {
    const { id, lock_version, status, phone } = row;
    const [saved] = await db('customers').where({ id, lock_version })
      .update({ status, phone, lock_version: lock_version + 1 }).returning('*');
    if (!saved) throw new Error('stale');
    Object.assign(row, saved);
  },
  insertMany: (rows) => db('customers').insert(rows),
  updateMany: (ids, changes) => db('customers').whereIn('id', ids).update(changes),
  upsert: (row) => db('customers').insert(row).onConflict('name').merge(),
  // region save
  async call(values, transaction = db) {
    const { rows: [saved] } = await transaction.raw('SELECT * FROM crm_update_customer(?, ?, ?, ?, ?)', values);
    return saved;
  },
  // endregion
  // region transaction
  // commits when the callback returns, also a refused save; rolls back when it throws
  transaction: (callback) => db.transaction(callback),
  // endregion
  schemaTool: 'migrations are written by hand',
  reset: 'migrations are written by hand',
});

own('operator ?', async () => {
  // region operator
  const { rows: [{ has }] } = await db.raw("SELECT '{\"field\": 1}'::jsonb \\? ? AS has", ['field']);
  // endregion
  assert.equal(has, true);
});
