// MikroORM: its version property is updated_at itself.
import assert from 'node:assert/strict';
import { EntitySchema, MikroORM, OptimisticLockError } from '@mikro-orm/postgresql';
import { cases } from './cases.js';

// region model
// the column is timestamptz(3): a Date has no microseconds to compare
const Customer = new EntitySchema({
  name: 'Customer',
  tableName: 'customers',
  properties: {
    id: { type: 'bigint', primary: true, columnType: 'bigint', generated: 'by default as identity' },
    name: { type: 'text', unique: true },
    status: { type: 'text', nullable: true },
    phone: { type: 'text', nullable: true },
    updated_at: { type: 'Date', fieldName: 'updated_at', version: true, columnType: 'timestamptz(3)', length: 3, defaultRaw: 'now()' },
  },
});
// endregion

let url;
let orm;

const own = cases('MikroORM', {
  table: 'ALTER COLUMN updated_at TYPE timestamptz(3), DROP COLUMN lock_version',
  async open(clientUrl) {
    url = clientUrl;
    // region schema
    // without ignoreSchema, its schema tools drop the tables of other schemas, too
    orm = await MikroORM.init({ clientUrl, entities: [Customer], schemaGenerator: { ignoreSchema: ['crm'] } });
    // endregion
  },
  close: () => orm.close(),
  read: (id) => orm.em.fork().findOneOrFail(Customer, id),
  stale: OptimisticLockError,
  save: (customer) => customer.__helper.__em.flush(),
  insertMany: (rows) => orm.em.fork().insertMany(Customer, rows),
  updateMany: (ids, changes) => orm.em.fork().nativeUpdate(Customer, { id: { $in: ids } }, changes),
  upsert: (row) => orm.em.fork().upsert(Customer, row, { onConflictFields: ['name'] }),
  // region save
  async call(values, em = orm.em.fork()) {
    const [saved] = await em.execute('SELECT * FROM crm_update_customer(?, ?, ?, ?, ?)', values);
    return saved;
  },
  // endregion
  // region transaction
  // commits when the callback returns, also a refused save; rolls back when it throws
  transaction: (callback) => orm.em.fork().transactional(callback),
  // endregion
  schemaTool: () => orm.schema.updateSchema(),
  reset: () => orm.schema.refreshDatabase(),
});

own('without ignoreSchema', async () => {
  assert.equal(await orm.schema.getUpdateSchemaSQL(), '');
  const other = await MikroORM.init({ clientUrl: url, entities: [Customer] });
  try {
    assert.match(await other.schema.getUpdateSchemaSQL(), /drop table if exists "crm"\."customers_comments"/);
  } finally {
    await other.close();
  }
});
