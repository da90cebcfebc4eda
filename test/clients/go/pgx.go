// pgx: the application writes its own SQL.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"time"

	"github.com/jackc/pgx/v4"
	"github.com/jackc/pgx/v4/pgxpool"
)

const saveSQL = "SELECT outcome, http_status, updated_at, comment_id, detail FROM crm_update_customer($1, $2, $3, $4, $5)"

var ctx = context.Background()

type pgxClient struct{ pool *pgxpool.Pool }

func scanCustomer(found pgx.Row) (row, error) {
	var id, lockVersion int64
	var status, phone *string
	var updatedAt time.Time
	if err := found.Scan(&id, &status, &phone, &lockVersion, &updatedAt); err != nil {
		return nil, err
	}
	return row{"id": id, "status": status, "phone": phone, "lock_version": lockVersion, "updated_at": updatedAt}, nil
}

func (c pgxClient) read(id int64) (row, error) {
	return scanCustomer(c.pool.QueryRow(ctx, "SELECT id, status, phone, lock_version, updated_at FROM customers WHERE id = $1", id))
}

func (c pgxClient) save(model row, changes map[string]string) (row, error) {
	values := row{"status": model["status"], "phone": model["phone"]}
	for name, value := range changes {
		values[name] = value
	}
	saved, err := scanCustomer(c.pool.QueryRow(ctx, `
		UPDATE customers SET status = $3, phone = $4, lock_version = lock_version + 1
		WHERE id = $1 AND lock_version = $2 RETURNING id, status, phone, lock_version, updated_at`,
		model["id"], model["lock_version"], values["status"], values["phone"]))
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, errStale
	}
	return saved, err
}

func (c pgxClient) insertMany(rows []map[string]string) error {
	_, err := c.pool.CopyFrom(ctx, pgx.Identifier{"customers"}, []string{"name", "status"},
		pgx.CopyFromSlice(len(rows), func(i int) ([]interface{}, error) {
			return []interface{}{rows[i]["name"], rows[i]["status"]}, nil
		}))
	return err
}

func (c pgxClient) updateMany(ids []int64, status string) error {
	batch := &pgx.Batch{}
	for _, id := range ids {
		batch.Queue("UPDATE customers SET status = $2 WHERE id = $1", id, status)
	}
	return c.pool.SendBatch(ctx, batch).Close()
}

func (c pgxClient) upsert(r map[string]string) error {
	_, err := c.pool.Exec(ctx, `INSERT INTO customers (name, status) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET status = EXCLUDED.status`, r["name"], r["status"])
	return err
}

func (c pgxClient) call(id int64, seen interface{}, status, comment *string, author string, transaction interface{}) (row, error) {
	var db interface {
		QueryRow(ctx context.Context, sql string, args ...interface{}) pgx.Row
	} = c.pool
	if transaction != nil {
		db = transaction.(pgx.Tx)
	}
	// region save
	// seen: the time.Time as it was scanned; status, comment: *string, nil for none
	var (
		outcome    string
		httpStatus int
		updatedAt  time.Time
		commentID  *int64
		detail     json.RawMessage
	)
	err := db.QueryRow(ctx, saveSQL, id, seen, status, comment, author).Scan(
		&outcome, &httpStatus, &updatedAt, &commentID, &detail)
	// endregion
	return row{"outcome": outcome, "http_status": httpStatus, "updated_at": updatedAt, "comment_id": commentID, "detail": detail}, err
}

// region transaction
// commits when the function returns nil, also a refused save; rolls back when it returns an error
func (c pgxClient) transaction(callback func(transaction interface{}) error) error {
	return c.pool.BeginFunc(ctx, func(tx pgx.Tx) error { return callback(tx) })
}

// endregion

func main() {
	pool, err := pgxpool.Connect(ctx, "")
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	serve(pgxClient{pool})
}
