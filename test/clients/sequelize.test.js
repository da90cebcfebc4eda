// Sequelize: its own optimistic lock is the column lock_version.
import { DataTypes, OptimisticLockError, QueryTypes, Sequelize } from 'sequelize';
import { cases, SAVE } from './cases.js';

let sequelize;
let Customer;

cases('Sequelize', {
  open(url) {
    sequelize = new Sequelize(url, { logging: false });
    // region model
    // attached with also_bump => '{lock_version}'
    Customer = sequelize.define('Customer', {
      id: { type: DataTypes.BIGINT, primaryKey: true, autoIncrement: true },
      name: { type: DataTypes.TEXT, allowNull: false, unique: 'customers_name_key' },
      status: DataTypes.TEXT,
      phone: DataTypes.TEXT,
    }, { tableName: 'customers', createdAt: false, updatedAt: 'updated_at', version: 'lock_version' });
    // endregion
  },
  close: () => sequelize.close(),
  read: (id) => Customer.findByPk(id),
  stale: OptimisticLockError,
  save: (customer) => customer.save(),
  insertMany: (rows) => Customer.bulkCreate(rows),
  updateMany: (id, changes) => Customer.update(changes, { where: { id } }),
  upsert: (row) => Customer.upsert(row, { conflictFields: ['name'] }),
  // region save
  async call(values, transaction) {
    const [saved] = await sequelize.query(SAVE, { bind: values, type: QueryTypes.SELECT, transaction });
    return saved;
  },
  // endregion
  // region transaction
  // commits when the callback returns, also a refused save; rolls back when it throws
  transaction: (callback) => sequelize.transaction(callback),
  // endregion
  schemaTool: () => sequelize.sync({ alter: true }),
  reset: () => sequelize.sync({ force: true }),
});
