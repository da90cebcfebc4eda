import { Records } from './records.js';

// The deals of the customers: another table that the extension guards, by the functions that are told which.
export class Deals extends Records {
  constructor(database) {
    const changedBy = `(SELECT coalesce(h.author, h.db_user) FROM deals_history h
       WHERE h.customer_id = r.id ORDER BY h.version DESC LIMIT 1)`;
    super(database, {
      table: 'deals',
      what: 'deal',
      status: 'stage',
      columns: `r.id, r.customer_id, r.name, r.stage, r.amount, r.currency, r.updated_at, ${changedBy} AS changed_by`,
    });
  }

  list(customerId) {
    return this.database.query(
      `SELECT ${this.columns} FROM deals r WHERE r.customer_id = $1 ORDER BY r.id LIMIT 500`,
      [customerId],
    );
  }

  // What the request leaves out stays, and null empties it. With merge, amount and currency are one field.
  save(id, { stage = null, amount, currency, updated_at = null, merge = null }, author) {
    // JSON leaves out what is undefined.
    const fields = JSON.stringify({ amount, currency });
    const call = `crm_update_record('deals', $1, $2, $3, NULL, $4, merge => $5, fields => $6)`;
    return this.change(id, call, [id, updated_at, stage, author, merge, fields]);
  }

  delete(id, { updated_at = null }, author) {
    return this.change(id, `crm_delete_record('deals', $1, $2, NULL, $3)`, [id, updated_at, author]);
  }

  // Those that went with their customer come back with it.
  deleted() {
    return this.database.query(
      `SELECT d.key::bigint AS id, d.row_values ->> 'name' AS name, d.status AS stage, d.version AS deleted_at,
              coalesce(d.author, d.db_user) AS deleted_by, c.id AS customer_id, c.name AS customer
       FROM crm_deleted_records('deals', 1000) d JOIN customers c ON c.id = (d.row_values ->> 'customer_id')::bigint
       ORDER BY d.version DESC LIMIT 100`,
    );
  }

  restore(id, author) {
    return this.change(id, `crm_restore_record('deals', $1, $2)`, [id, author]);
  }
}
