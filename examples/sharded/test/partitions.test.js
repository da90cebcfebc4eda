import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { canonicalKey, connectionOf, fromFile, partitionOf } from '../partitions.js';

const published = JSON.parse(await readFile(new URL('../../../scale/partitions.json', import.meta.url)));

test('a key has the partition that is published', () => {
  assert(published.vectors.length > 20);
  for (const { key, partition } of published.vectors) {
    for (const [partitions, number] of Object.entries(partition)) {
      assert.equal(partitionOf(key, Number(partitions)), number, `${key} of ${partitions}`);
    }
  }
});

test('numbers are keys as their text is', () => {
  assert.equal(partitionOf(4711, 4096), partitionOf('4711', 4096));
  assert.equal(partitionOf(-9223372036854775808n, 4096), partitionOf('-9223372036854775808', 4096));
  for (const key of [2 ** 53, 1.5, NaN, null, undefined]) assert.throws(() => partitionOf(key, 8), /is not a key/);
});

test('other numbers of partitions than powers of two are refused', () => {
  for (const partitions of [...published.refused, '8', 1.5, null]) {
    assert.throws(() => partitionOf('1', partitions), /must be a power of two/);
  }
});

test('each key has one spelling', () => {
  for (const key of [7, 7n, '7', ' 7', '+7', '007 ']) assert.equal(canonicalKey(key, 'bigint'), '7');
  assert.equal(canonicalKey('-0', 'bigint'), '0');
  const uuid = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11';
  for (const key of [uuid, uuid.toUpperCase(), `{${uuid}}`, uuid.replaceAll('-', '')]) {
    assert.equal(canonicalKey(key, 'uuid'), uuid);
  }
  assert.equal(canonicalKey(' Müller ', 'text'), ' Müller ');
  for (const [key, type] of [['7x', 'bigint'], ['', 'bigint'], ['a0', 'uuid'], ['1', 'numeric']]) {
    assert.throws(() => canonicalKey(key, type), TypeError);
  }
});

test('connection strings of libpq', () => {
  assert.deepEqual(connectionOf("host=db1 port = 6432 dbname='my \\'crm\\'' connect_timeout=5 sslmode=disable "), {
    host: 'db1', port: '6432', database: "my 'crm'", connectionTimeoutMillis: 5000, ssl: false,
  });
  assert.deepEqual(connectionOf('postgresql://db1/crm'), { connectionString: 'postgresql://db1/crm' });
  assert.throws(() => connectionOf('host=a,b dbname=crm'), /one host/);
  for (const text of ['host=a krbsrvname=x', 'host', "dbname='a", 'constructor=1']) {
    assert.throws(() => connectionOf(text), /cannot use this connection string/);
  }
  assert.throws(() => connectionOf('sslmode=prefer'), /sslmode is/);
});

test('a file of partitions', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'partitions-'));
  const file = join(directory, 'partitions');
  const read = async (text) => {
    await writeFile(file, text);
    return fromFile(file)();
  };
  try {
    assert.deepEqual(await read('1|dbname=b\n0|dbname=a\n'), ['dbname=a', 'dbname=b']);
    for (const text of ['', '1|b\n', '0|a\n0|b\n', '0|a\n2|b\n', '0|a\n1|b\n2|c\n']) {
      await assert.rejects(read(text), /not all numbers from 0 on/);
    }
    await assert.rejects(read('dbname=a\n'), /not NUMBER\|CONNECTION/);
  } finally {
    await rm(directory, { recursive: true });
  }
});
