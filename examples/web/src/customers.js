import { HttpError } from './status.js';

// The customers as the older API shows them. The comments of a customer stand in a table; "notes" of a PUT adds one.
export class Customers {
  constructor(database) {
    this.database = database;
  }

  // How the extension's events name our table.
  async findTable() {
    const [found] = await this.database.query(`
      SELECT format('%I.%I', n.nspname, c.relname) AS name
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.oid = to_regclass('customers')`);
    if (!found) throw new Error('the database has no table customers that this user can reach: see README.md');
    return found.name;
  }

  // A row with who changed it last, and whose edit lock it is under.
  columns() {
    const changedBy = `(SELECT coalesce(h.author, h.db_user) FROM customer_history h
       WHERE h.customer_id = c.id ORDER BY h.version DESC LIMIT 1)`;
    const lock = `(SELECT jsonb_build_object('author', l.author, 'expires_at', l.expires_at) FROM crm_locks l
       WHERE l.customers = 'customers'::regclass AND l.key = c.id::text)`;
    return `c.id, c.name, c.phone, c.email, c.status, c.updated_at, ${changedBy} AS changed_by,
       ${lock} AS lock`;
  }

  list() {
    return this.database.query(`SELECT ${this.columns()} FROM customers c ORDER BY c.id LIMIT 500`);
  }

  async find(id) {
    const [row] = await this.database.query(
      `SELECT ${this.columns()}, (
         SELECT coalesce(jsonb_agg(m ORDER BY m.id), '[]')
         FROM (SELECT id, author, body, created_at, save_refused FROM comments
               WHERE customer_id = c.id ORDER BY id DESC LIMIT 50) m) AS comments
       FROM customers c WHERE c.id = $1`,
      [id],
    );
    return row;
  }

  async get(id) {
    const row = await this.find(id);
    if (!row) throw new HttpError(404, 'not_found', `There is no customer ${id}.`);
    return row;
  }

  // One save: { status, body } of the answer.
  //
  // The save is one statement and its own transaction. It commits after a refusal too, because the comment of a refused
  // save is kept by that commit: a BEGIN … ROLLBACK around the 409 would lose it.
  async save(id, { status = null, notes = null, updated_at = null, merge = null }, author) {
    const [saved] = await this.database.query(
      'SELECT * FROM crm_update_customer($1, $2, $3, $4, $5, merge => $6)',
      [id, updated_at, status, notes, author, merge],
    );
    const { outcome, http_status, comment_id, message, detail } = saved;
    if (http_status === 200) {
      // The row as it is now: what this save made of it, or what somebody made of it since.
      const row = (await this.find(id)) ?? { id: Number(id), status: saved.status, updated_at: saved.updated_at };
      return { status: 200, body: { ...row, save: { outcome, comment_id, message, detail } } };
    }
    const body = { error: outcome, message, comment_id };
    if (detail) {
      const { current, ...rest } = detail;
      body.current = current && { ...current, status: saved.status, updated_at: saved.updated_at };
      Object.assign(body, rest);
    }
    return { status: http_status, body };
  }

  // Edit locks: the caller's name is that of the session, and lock_id is known to the window that got it.
  async lock(id, lockId, author) {
    const [{ outcome, http_status, message, ...lock }] = await this.database.query(
      'SELECT * FROM crm_lock_customer($1, $2, lock_id => $3)',
      [id, author, lockId],
    );
    const body = http_status === 200 ? { outcome, message, ...lock } : { error: outcome, message, lock };
    return { status: http_status, body };
  }

  async unlock(id, lockId) {
    const [{ released }] = await this.database.query('SELECT crm_unlock_customer($1, $2) AS released', [id, lockId]);
    return { status: 200, body: { released } };
  }
}
