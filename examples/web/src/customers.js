import { HttpError } from './status.js';
import { Records } from './records.js';

// The customers as the older API shows them. The comments of a customer stand in a table; "notes" of a request adds one.
export class Customers extends Records {
  constructor(database) {
    // who changed the row last, and whose edit lock it is under
    const changedBy = `(SELECT coalesce(h.author, h.db_user) FROM customer_history h
       WHERE h.customer_id = r.id ORDER BY h.version DESC LIMIT 1)`;
    const lock = `(SELECT jsonb_build_object('author', l.author, 'expires_at', l.expires_at) FROM crm_locks l
       WHERE l.customers = 'customers'::regclass AND l.key = r.id::text)`;
    super(database, {
      table: 'customers',
      what: 'customer',
      status: 'status',
      columns: `r.id, r.name, r.phone, r.email, r.status, r.updated_at, ${changedBy} AS changed_by, ${lock} AS lock`,
    });
  }

  // Those after an id whose name, phone or email contains a text; at most a number of them.
  list(after, text, limit) {
    const pattern = text && `%${text.replace(/[\\%_]/g, '\\$&')}%`;
    return this.database.query(
      `SELECT ${this.columns} FROM customers r
       WHERE ($1::bigint IS NULL OR r.id > $1)
         AND ($2::text IS NULL OR r.name ILIKE $2 OR r.phone ILIKE $2 OR r.email ILIKE $2)
       ORDER BY r.id LIMIT $3`,
      [after, pattern, limit],
    );
  }

  // With the latest comments.
  async find(id) {
    const [row] = await this.database.query(
      `SELECT ${this.columns}, (
         SELECT coalesce(jsonb_agg(m ORDER BY m.id), '[]')
         FROM (SELECT id, author, body, created_at, save_refused, edited_at, edited_by, withdrawn_at FROM comments
               WHERE customer_id = r.id ORDER BY id DESC LIMIT 50) m) AS comments
       FROM customers r WHERE r.id = $1`,
      [id],
    );
    return row;
  }

  save(id, { status = null, notes = null, updated_at = null, merge = null, fields = null }, author) {
    const values = [id, updated_at, status, notes, author, merge, fields && JSON.stringify(fields)];
    return this.change(id, 'crm_update_customer($1, $2, $3, $4, $5, merge => $6, fields => $7)', values);
  }

  // Deleting, restoring, undoing ------------------------------------------------------------------

  delete(id, { updated_at = null, notes = null }, author) {
    return this.change(id, 'crm_delete_customer($1, $2, $3, $4)', [id, updated_at, notes, author]);
  }

  // The latest that can be restored.
  deleted() {
    return this.database.query(
      `SELECT key::bigint AS id, row_values ->> 'name' AS name, status, version AS deleted_at,
              coalesce(author, db_user) AS deleted_by, comment, comments
       FROM crm_deleted(100)`,
    );
  }

  restore(id, { notes = null }, author) {
    return this.change(id, 'crm_restore_customer($1, $2, $3)', [id, author, notes]);
  }

  // Changes and comments in one order, latest first; of a deleted customer too.
  async timeline(id) {
    const rows = await this.database.query(
      `SELECT t.at, t.kind, t.version, t.operation, coalesce(t.author, t.db_user) AS author, t.status_from, t.status_to,
              t.fields, t.comment_id, t.body, t.save_refused, t.edited_at, t.edited_by, t.withdrawn_at,
              (SELECT h.reverts FROM customer_history h
               WHERE h.customer_id = $1::bigint AND h.version = t.version) AS reverts
       FROM crm_record_timeline('customers', $1::text) WITH ORDINALITY AS t
       ORDER BY t.ordinality`,
      [id],
    );
    if (rows.length === 0) throw new HttpError(404, 'not_found', `There is no customer ${id}.`);
    return rows;
  }

  // Undoes the change that made a version, or of some of its fields.
  undo(id, { updated_at = null, version = null, notes = null, fields = null }, author) {
    const values = [id, updated_at, version, author, notes, fields];
    return this.change(id, 'crm_revert_customer($1, $2, $3, $4, $5, fields => $6)', values);
  }

  // Refused saves ---------------------------------------------------------------------------------

  // What the refused saves of an author asked for, while they wait; of one customer, or of all. A comment that still is the
  // refused save's own goes with it.
  refused(author, id = null) {
    return this.database.query(
      `SELECT w.refused_id AS id, c.id AS customer_id, c.name, w.refused_at, w.times, w.based_on, w.conflicts,
              coalesce(w.fields, '{}') || jsonb_strip_nulls(jsonb_build_object('status', w.status)) AS asked, m.body AS notes
       FROM crm_refused_saves($1, $2) w JOIN customers c ON c.id = w.key::bigint
         LEFT JOIN comments m ON m.id = w.comment_id AND m.save_refused AND m.edited_at IS NULL
       ORDER BY w.refused_at DESC, w.refused_id DESC LIMIT 100`,
      [author, id],
    );
  }

  // One's own; where crm_concurrency.author_setting names the user, the extension looks at that.
  async requireOwn(refusedId, author) {
    const [found] = await this.database.query('SELECT author, customer_id FROM customer_refused_saves WHERE id = $1', [
      refusedId,
    ]);
    if (!found) throw new HttpError(404, 'not_found', `There is no refused save ${refusedId}.`);
    if (found.author !== author) throw new HttpError(403, 'forbidden', `Refused save ${refusedId} is not yours.`);
    return found;
  }

  async resolve(refusedId, { updated_at = null, choose = null, notes = null }, author) {
    const { customer_id } = await this.requireOwn(refusedId, author);
    const values = [refusedId, updated_at, choose && JSON.stringify(choose), notes, author];
    return this.change(customer_id, 'crm_resolve_refused($1, $2, $3, $4, $5)', values);
  }

  async discard(refusedId, author) {
    await this.requireOwn(refusedId, author);
    const [{ discarded }] = await this.database.query('SELECT crm_discard_refused($1) AS discarded', [refusedId]);
    if (!discarded) throw new HttpError(410, 'gone', 'The refused save was saved, resolved or discarded before.');
    return { status: 200, body: { discarded } };
  }

  // Correcting comments ---------------------------------------------------------------------------

  editComment(id, commentId, { expected_body = null, body = null }, author) {
    const values = [id, commentId, expected_body, body, author];
    return this.correct('crm_edit_comment($1, $2, $3, $4, $5)', values);
  }

  withdrawComment(id, commentId, { reason = null }, author) {
    return this.correct('crm_withdraw_comment($1, $2, $3, $4)', [id, commentId, author, reason]);
  }

  async correct(call, values) {
    const [{ outcome, http_status, comment_id, message, detail }] = await this.database.query(
      `SELECT * FROM ${call}`,
      values,
    );
    const said = http_status === 200 ? { outcome } : { error: outcome };
    return { status: http_status, body: { ...said, comment_id, message, comment: detail } };
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
