// Which partition has a customer, and where the partitions are.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import pg from 'pg';

const isPowerOfTwo = (n) => Number.isInteger(n) && n > 0 && n <= 2 ** 30 && (n & (n - 1)) === 0;

/** What crm_partition_of() answers. A key that is no text is a bigint, or a number that is exact. */
export function partitionOf(key, partitions) {
  if (!isPowerOfTwo(partitions)) throw new RangeError(`partitions must be a power of two, not ${partitions}`);
  if (typeof key !== 'string' && typeof key !== 'bigint' && !Number.isSafeInteger(key)) {
    throw new TypeError(`${key} is not a key: give a text, a bigint or a safe integer`);
  }
  return createHash('sha256').update(String(key), 'utf8').digest().readUInt32BE(0) % partitions;
}

/** The one spelling of a key, of type bigint, uuid or text, by which it is routed. */
export function canonicalKey(key, type) {
  const text = String(key);
  if (type === 'text') return text;
  if (type === 'uuid') {
    const digits = text.toLowerCase().replace(/^\{(.*)\}$/, '$1').replaceAll('-', '');
    if (!/^[0-9a-f]{32}$/.test(digits)) throw new TypeError(`${text} is no uuid`);
    return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  }
  if (type !== 'bigint') throw new TypeError(`keys are of type bigint, uuid or text, not ${type}`);
  const [, sign, digits] = /^\s*([+-]?)(\d+)\s*$/.exec(text) ?? [];
  if (digits === undefined) throw new TypeError(`${text} is no bigint`);
  return String(sign === '-' ? -BigInt(digits) : BigInt(digits));
}

const PARAMETERS = {
  host: 'host', hostaddr: 'host', port: 'port', dbname: 'database', user: 'user', password: 'password',
  application_name: 'application_name', connect_timeout: 'connectionTimeoutMillis', sslmode: 'ssl',
};
const SSL = { disable: false, require: { rejectUnauthorized: false }, 'verify-full': true };

/** A connection string of libpq, as node-postgres takes it. */
export function connectionOf(text) {
  if (/^postgres(ql)?:\/\//.test(text)) return { connectionString: text };
  const connection = {};
  const parameter = /\s*(\w+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)*))(?=\s|$)/y;
  const end = text.trimEnd().length;
  while (parameter.lastIndex < end) {
    const [, name, quoted, plain] = parameter.exec(text) ?? [];
    if (!Object.hasOwn(PARAMETERS, name)) throw new Error(`node-postgres cannot use this connection string: ${text}`);
    let value = (quoted ?? plain).replace(/\\(.)/g, '$1');
    if (/^(host|port)/.test(name) && value.includes(',')) throw new Error(`node-postgres takes one host: ${text}`);
    if (name === 'connect_timeout') value = 1000 * Number(value);
    if (name === 'sslmode') {
      if (!Object.hasOwn(SSL, value)) throw new Error(`sslmode is disable, require or verify-full here: ${text}`);
      value = SSL[value];
    }
    connection[PARAMETERS[name]] = value;
  }
  return connection;
}

function inOrder(rows) {
  const connections = [];
  for (const [number, connection] of rows) connections[number] = connection;
  if (rows.length !== connections.length || Object.keys(connections).length !== rows.length || !isPowerOfTwo(rows.length)) {
    throw new Error('the partitions are not all numbers from 0 on, a power of two of them');
  }
  return connections;
}

/** Reads the partitions from a file with a line NUMBER|CONNECTION for each, which move_partition --file keeps. */
export const fromFile = (path) => async () => inOrder(
  (await readFile(path, 'utf8')).split('\n').filter(Boolean).map((line) => {
    const [, number, connection] = /^(\d+)\|(.*)$/.exec(line) ?? [];
    if (number === undefined) throw new Error(`${path} has a line that is not NUMBER|CONNECTION`);
    return [Number(number), connection];
  }),
);

/** Reads the partitions from the database of a proxy, where move_partition --proxy tells of a new place. */
export const fromProxy = (config) => async () => {
  const client = new pg.Client(config);
  await client.connect();
  try {
    const { rows } = await client.query('SELECT partition, connection FROM crm_proxy.partitions()');
    return inOrder(rows.map(({ partition, connection }) => [partition, connection]));
  } finally {
    await client.end();
  }
};
