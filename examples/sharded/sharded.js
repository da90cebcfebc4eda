// Calls each function in the database that has the customer.
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { canonicalKey, connectionOf, partitionOf } from './partitions.js';

// What can be sent again when its answer was lost: what was applied is answered as replayed, or has the same result.
const REPEATABLE = /^crm_(update_(customer|customer_by_key|record)|(delete|restore|revert)_(customer|record)|(edit|withdraw)(_record)?_comment|get_(customer|customer_by_key|record)|(record_)?timeline|timeline_by_key)$/;

// The server ended, refuses or does not know the connection: PgBouncer and a partition that has moved say so too.
const AWAY = /^(08...|57P0[123]|53300|3D000)$/;

const isAway = (error) => (error instanceof pg.DatabaseError
  ? AWAY.test(error.code)
  : error.syscall !== undefined || /terminated|timeout/.test(error.message));

export class Sharded {
  #read;
  #options;
  #partitions; // a promise of { connection, pool } for each
  #refreshing;

  /**
   * @param read fromFile(…) or fromProxy(…)
   * @param options pool: what node-postgres is told of each pool (user, password, max: 10);
   *   keyType: bigint, uuid or text; patience: milliseconds for which a partition that is away is asked again;
   *   prepare: prepares statements, which PgBouncer can pool from 1.21 on
   */
  constructor(read, { pool = {}, keyType = 'bigint', patience = 10_000, prepare = false } = {}) {
    this.#read = read;
    this.#options = { pool, keyType, patience, prepare };
  }

  /** Runs a function of the extension whose customer has this key; the first row of its result. */
  async call(name, key, ...values) {
    if (!/^crm_[a-z_]+$/.test(name)) throw new TypeError(`${name} is no function of crm_concurrency`);
    const parameters = [key, ...values].map((_, i) => `$${i + 1}`);
    const statement = { text: `SELECT * FROM ${name}(${parameters})`, values: [key, ...values] };
    if (this.#options.prepare) statement.name = `${name} ${parameters.length}`;
    const { rows: [row] } = await this.query(key, statement, { repeatable: REPEATABLE.test(name) });
    return row;
  }

  /**
   * Runs one statement where the customer is. It is sent again where no connection could be made, and when its answer
   * was lost only if it is repeatable: sending it twice does no more than sending it once.
   */
  async query(key, statement, { repeatable = false } = {}) {
    const until = Date.now() + this.#options.patience;
    for (let pause = 20; ; pause = Math.min(2 * pause, 500)) {
      const { pool, connection, number } = await this.#partitionOf(key);
      let client;
      try {
        client = await pool.connect();
        const result = await client.query(statement);
        client.release();
        return result;
      } catch (error) {
        const away = isAway(error);
        client?.release(away);
        // What has moved refuses writes at its old place.
        const refused = error.code === '55000';
        if (!(away && (!client || repeatable)) && !refused) throw error;
        await this.#refresh();
        if (refused && (await this.#partitions)[number].connection === connection) throw error;
        if (Date.now() > until) throw error;
      }
      await sleep(pause);
    }
  }

  async end() {
    await Promise.all((await this.#partitions ?? []).map(({ pool }) => pool.end()));
  }

  async #partitionOf(key) {
    this.#partitions ??= this.#read().then(
      (connections) => connections.map((each, i) => this.#open(each, i)),
      (error) => {
        this.#partitions = undefined; // the next call reads again
        throw error;
      },
    );
    const partitions = await this.#partitions;
    return partitions[partitionOf(canonicalKey(key, this.#options.keyType), partitions.length)];
  }

  #open(connection, number) {
    const pool = new pg.Pool({ ...connectionOf(connection), ...this.#options.pool });
    // A connection that is lost leaves the pool; where a call is under way it tells the call as well.
    pool.on('error', () => {}).on('connect', (client) => client.on('error', () => {}));
    return { connection, number, pool };
  }

  // Who fails at the same time reads once.
  #refresh() {
    this.#refreshing ??= this.#readAgain().finally(() => { this.#refreshing = undefined; });
    return this.#refreshing;
  }

  async #readAgain() {
    const old = await this.#partitions;
    let connections;
    try {
      connections = await this.#read();
    } catch {
      return; // it may be away itself: what is known still holds, and the call's own error is the one to tell
    }
    if (connections.length !== old.length) throw new Error(`${connections.length} partitions, and there were ${old.length}`);
    this.#partitions = Promise.resolve(old.map((each, i) => {
      if (each.connection === connections[i]) return each;
      each.pool.end();
      return this.#open(connections[i], i);
    }));
  }
}
