// database/sql with lib/pq: the application writes its own SQL.
package main

import (
	"database/sql"
	"encoding/json"
	"log"
	"time"

	"github.com/lib/pq"
)

const saveSQL = "SELECT outcome, http_status, updated_at, comment_id, detail FROM crm_update_customer($1, $2, $3, $4, $5)"

type pqClient struct{ db *sql.DB }

func scanCustomer(found *sql.Row) (row, error) {
	var id, lockVersion int64
	var status, phone sql.NullString
	var updatedAt time.Time
	if err := found.Scan(&id, &status, &phone, &lockVersion, &updatedAt); err != nil {
		return nil, err
	}
	return row{"id": id, "status": status.String, "phone": phone.String, "lock_version": lockVersion, "updated_at": updatedAt}, nil
}

func (c pqClient) read(id int64) (row, error) {
	return scanCustomer(c.db.QueryRow("SELECT id, status, phone, lock_version, updated_at FROM customers WHERE id = $1", id))
}

func (c pqClient) save(model row, changes map[string]string) (row, error) {
	values := row{"status": model["status"], "phone": model["phone"]}
	for name, value := range changes {
		values[name] = value
	}
	saved, err := scanCustomer(c.db.QueryRow(`
		UPDATE customers SET status = $3, phone = $4, lock_version = lock_version + 1
		WHERE id = $1 AND lock_version = $2 RETURNING id, status, phone, lock_version, updated_at`,
		model["id"], model["lock_version"], values["status"], values["phone"]))
	if err == sql.ErrNoRows {
		return nil, errStale
	}
	return saved, err
}

func (c pqClient) insertMany(rows []map[string]string) error {
	tx, err := c.db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after the commit
	statement, err := tx.Prepare(pq.CopyIn("customers", "name", "status"))
	if err != nil {
		return err
	}
	for _, r := range rows {
		if _, err := statement.Exec(r["name"], r["status"]); err != nil {
			return err
		}
	}
	if _, err := statement.Exec(); err != nil {
		return err
	}
	if err := statement.Close(); err != nil {
		return err
	}
	return tx.Commit()
}

func (c pqClient) updateMany(ids []int64, status string) error {
	_, err := c.db.Exec("UPDATE customers SET status = $2 WHERE id = ANY ($1)", pq.Array(ids), status)
	return err
}

func (c pqClient) upsert(r map[string]string) error {
	_, err := c.db.Exec(`INSERT INTO customers (name, status) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET status = EXCLUDED.status`, r["name"], r["status"])
	return err
}

func (c pqClient) call(id int64, seen interface{}, status, comment *string, author string, transaction interface{}) (row, error) {
	var db interface {
		QueryRow(query string, args ...interface{}) *sql.Row
	} = c.db
	if transaction != nil {
		db = transaction.(*sql.Tx)
	}
	// region save
	// seen: the time.Time as it was scanned; status, comment: *string, nil for none
	var (
		outcome    string
		httpStatus int
		updatedAt  time.Time
		commentID  sql.NullInt64
		detail     []byte
	)
	err := db.QueryRow(saveSQL, id, seen, status, comment, author).Scan(
		&outcome, &httpStatus, &updatedAt, &commentID, &detail)
	// endregion
	if detail == nil {
		detail = []byte("null")
	}
	return row{"outcome": outcome, "http_status": httpStatus, "updated_at": updatedAt, "comment_id": commentID.Int64,
		"detail": json.RawMessage(detail)}, err
}

// region transaction
func (c pqClient) transaction(callback func(transaction interface{}) error) error {
	tx, err := c.db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after the commit
	if err := callback(tx); err != nil {
		return err
	}
	return tx.Commit() // whatever the outcome is: it keeps the comment of a refused save
}

// endregion

func main() {
	db, err := sql.Open("postgres", "")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	serve(pqClient{db})
}
