import { idOf } from './database.js';
import { HttpError } from './status.js';

// What customers and deals have in common: { status, body } of what the extension's functions answer.
//
// Each change is one statement and its own transaction. It commits after a refusal too, because the comment of a refused
// save is kept by that commit: a BEGIN … ROLLBACK around the 409 would lose it.
export class Records {
  // table, and its columns as the page shows them: names of this program, never of a request
  constructor(database, { table, what, status, columns }) {
    Object.assign(this, { database, table, what, status, columns });
  }

  // How the extension's events name the table.
  async findName() {
    const [found] = await this.database.query(
      `SELECT format('%I.%I', n.nspname, c.relname) AS name
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE c.oid = to_regclass($1)`,
      [this.table],
    );
    if (!found) throw new Error(`the database has no table ${this.table} that this user can reach: see README.md`);
    return found.name;
  }

  async find(id) {
    const [row] = await this.database.query(`SELECT ${this.columns} FROM ${this.table} r WHERE r.id = $1`, [id]);
    return row;
  }

  async get(id) {
    const row = await this.find(id);
    if (!row) throw new HttpError(404, 'not_found', `There is no ${this.what} ${id}.`);
    return row;
  }

  // Calls one of the functions that return a crm_update_result.
  async change(id, call, values) {
    const [saved] = await this.database.query(`SELECT * FROM ${call}`, values);
    const { outcome, http_status, comment_id, message, detail, updated_at } = saved;
    const known = { [this.status]: saved.status, updated_at };
    if (http_status === 200) {
      // The row as it is now: what this change made of it, or what somebody made of it since.
      const row = (await this.find(id)) ?? { id: idOf(id), ...known };
      return { status: 200, body: { ...row, save: { outcome, comment_id, message, detail } } };
    }
    const body = { error: outcome, message, comment_id };
    if (detail) {
      // The key stands beside the row as text, for a JSON number may have lost digits.
      const { key, current, ...rest } = detail;
      body.current = current && { ...current, id: idOf(key), ...known };
      Object.assign(body, rest);
    }
    return { status: http_status, body };
  }
}
