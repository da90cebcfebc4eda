// TypeORM: its version column is a counter that it sends with each save; it compares it where a find asks for that.
import assert from 'node:assert/strict';
import 'reflect-metadata';
import { DataSource, EntitySchema, In, OptimisticLockVersionMismatchError } from 'typeorm';
import { cases, SAVE } from './cases.js';

// region model
// attached with also_bump => '{lock_version}'
const Customer = new EntitySchema({
  name: 'Customer',
  tableName: 'customers',
  columns: {
    id: { type: 'bigint', primary: true, generated: 'identity', generatedIdentity: 'BY DEFAULT' },
    name: { type: 'text', unique: true },
    status: { type: 'text', nullable: true },
    phone: { type: 'text', nullable: true },
    lock_version: { type: 'integer', version: true, default: 1 },
    updated_at: { type: 'timestamptz', updateDate: true, default: () => 'now()' },
  },
});
// endregion

let source;
let customers;

const own = cases('TypeORM', {
  async open(url) {
    source = await new DataSource({ type: 'postgres', url, entities: [Customer] }).initialize();
    customers = source.getRepository(Customer);
  },
  close: () => source.destroy(),
  read: (id) => customers.findOneBy({ id }),
  stale: OptimisticLockVersionMismatchError,
  // region lock
  // save() itself does not compare the version: the read before it does, with a lock until the commit
  async save(customer) {
    await source.transaction(async (manager) => {
      const { id, lock_version: version } = customer;
      const current = await manager.findOne(Customer, { where: { id }, lock: { mode: 'pessimistic_write' } });
      if (current.lock_version !== version) {
        throw new OptimisticLockVersionMismatchError('Customer', version, current.lock_version);
      }
      await manager.save(Customer, customer);
    });
  },
  // endregion
  insertMany: (rows) => customers.insert(rows),
  updateMany: (ids, changes) => customers.update({ id: In(ids) }, changes),
  upsert: (row) => customers.upsert(row, ['name']),
  // region save
  async call(values, manager = source) {
    const [saved] = await manager.query(SAVE, values);
    return saved;
  },
  // endregion
  // region transaction
  // commits when the callback returns, also a refused save; rolls back when it throws
  transaction: (callback) => source.transaction(callback),
  // endregion
  schemaTool: () => source.synchronize(),
  reset: () => source.synchronize(true),
});

own('stale save', async (id) => {
  const [first, second] = [await customers.findOneBy({ id }), await customers.findOneBy({ id })];
  first.status = 'won';
  await customers.save(first);
  second.status = 'lost';
  await customers.save(second);
  assert.equal((await customers.findOneBy({ id })).status, 'lost');
  const [{ n }] = await source.query("SELECT count(*)::int AS n FROM customers_history WHERE customer_id = $1 AND operation = 'update'", [id]);
  assert.equal(n, 2);
});
