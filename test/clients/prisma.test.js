// Prisma: its client in JavaScript, with the optimistic lock that the application writes.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { PrismaPg } from '@prisma/adapter-pg';
import { cases } from './cases.js';

let url;
let prisma;

// It downloads an engine that nothing here uses, unless it is told of a file.
const tool = (...options) => promisify(execFile)(
  'node_modules/.bin/prisma', [...options, '--config', 'prisma/prisma.config.mjs'],
  { env: { ...process.env, DATABASE_URL: url, PRISMA_QUERY_ENGINE_LIBRARY: process.execPath, CHECKPOINT_DISABLE: '1' } },
);

const own = cases('Prisma', {
  async open(given) {
    url = given;
    await tool('generate');
    const { default: { PrismaClient } } = await import('@prisma/client');
    prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: url }) });
  },
  close: () => prisma.$disconnect(),
  read: (id) => prisma.customer.findUniqueOrThrow({ where: { id } }),
  stale: { code: 'P2025' },
  // region lock
  async save(customer) {
    const { id, lock_version, status, phone } = customer;
    const saved = await prisma.customer.update({
      where: { id, lock_version }, // no such record (P2025) where it was saved since
      data: { status, phone, lock_version: { increment: 1 } },
    });
    Object.assign(customer, saved);
  },
  // endregion
  insertMany: (data) => prisma.customer.createMany({ data }),
  updateMany: (ids, data) => prisma.customer.updateMany({ where: { id: { in: ids } }, data }),
  upsert: (row) => prisma.customer.upsert({ where: { name: row.name }, create: row, update: { status: row.status } }),
  // region save
  async call([id, seen, status, comment, author], transaction = prisma) {
    const [saved] = await transaction.$queryRaw`
      SELECT * FROM crm_update_customer(${id}, ${seen}, ${status}, ${comment}, ${author})`;
    return saved;
  },
  // endregion
  // region transaction
  // commits when the callback returns, also a refused save; rolls back when it throws
  transaction: (callback) => prisma.$transaction(callback),
  // endregion
  schemaTool: () => tool('db', 'push', '--skip-generate'),
  reset: () => tool('db', 'push', '--force-reset', '--skip-generate'),
});

own('BigInt', async (id) => {
  const customer = await prisma.customer.findUniqueOrThrow({ where: { id } });
  assert.equal(typeof customer.id, 'bigint');
  assert.throws(() => JSON.stringify(customer), TypeError);
});
