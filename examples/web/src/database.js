import pg from 'pg';
import { Unreachable } from './status.js';

// bigint as a number where that loses nothing
export const idOf = (text) => (Number.isSafeInteger(Number(text)) ? Number(text) : text);
pg.types.setTypeParser(pg.types.builtins.INT8, idOf);

// In one line. A host with several addresses fails with an error for each of them, and no message of its own.
export const reasonOf = (error) => error.message || reasonOf(error.errors?.[0] ?? error.cause ?? { message: String(error) });

// The pool, with limits to every wait: a request is answered, be it with 503.
export class Database {
  constructor({ connectionString, size, lockSeconds }) {
    this.connection = { connectionString, application_name: 'crm-web', keepAlive: true, connectionTimeoutMillis: 5000 };
    this.pool = new pg.Pool({
      ...this.connection,
      max: size,
      lock_timeout: lockSeconds * 1000,
      statement_timeout: (lockSeconds + 5) * 1000,
      query_timeout: (lockSeconds + 10) * 1000,
    });
    // An idle connection that is lost is replaced at the next query.
    this.pool.on('error', (error) => console.error(`database: an idle connection was lost: ${error.message}`));
  }

  // One statement, committed by itself.
  async query(text, values) {
    try {
      return (await this.pool.query(text, values)).rows;
    } catch (error) {
      // What is not the server's word is the connection's end.
      throw error instanceof pg.DatabaseError ? error : new Unreachable(reasonOf(error), { cause: error });
    }
  }

  // A connection of its own for LISTEN.
  client() {
    return new pg.Client({ ...this.connection, application_name: 'crm-web listener', query_timeout: 5000 });
  }

  close() {
    return this.pool.end();
  }
}
