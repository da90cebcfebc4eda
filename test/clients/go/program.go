// What the programs of Go share: they do what remote.py tells them.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"
)

// row is what a library read of a customer, or what a save returned.
type row map[string]interface{}

// client is what a library does: transaction is what it gave to the callback, or nil.
type client interface {
	read(id int64) (row, error)
	save(model row, changes map[string]string) (row, error)
	insertMany(rows []map[string]string) error
	updateMany(ids []int64, status string) error
	upsert(row map[string]string) error
	call(id int64, seen interface{}, status, comment *string, author string, transaction interface{}) (row, error)
	transaction(callback func(transaction interface{}) error) error
}

var (
	errStale  = errors.New("Stale")
	errThrown = errors.New("Thrown")
)

type told struct {
	Do      string
	ID      int64
	Kept    int
	Changes map[string]string
	Rows    []map[string]string
	IDs     []int64
	Status  string
	Row     map[string]string
	Values  []json.RawMessage
}

type program struct {
	client
	input *bufio.Scanner
	kept  []row
}

func serve(c client) {
	p := &program{client: c, input: bufio.NewScanner(os.Stdin)}
	if err := p.run(nil); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run goes on until the end of the input, or of the transaction that it is in.
func (p *program) run(transaction interface{}) error {
	for p.input.Scan() {
		var t told
		if err := json.Unmarshal(p.input.Bytes(), &t); err != nil {
			return err
		}
		switch t.Do {
		case "return":
			return nil
		case "throw":
			return errThrown
		}
		answer, err := p.obey(t, transaction)
		if err != nil {
			answer = row{"error": err.Error()}
		}
		p.answer(answer)
	}
	return p.input.Err()
}

func (p *program) obey(t told, transaction interface{}) (row, error) {
	var err error
	switch t.Do {
	case "read":
		return p.keep(p.read(t.ID))
	case "save":
		return p.keep(p.save(p.kept[t.Kept], t.Changes))
	case "insert_many":
		err = p.insertMany(t.Rows)
	case "update_many":
		err = p.updateMany(t.IDs, t.Status)
	case "upsert":
		err = p.upsert(t.Row)
	case "call":
		var id int64
		var seen interface{}
		var status, comment *string
		var author string
		for i, value := range []interface{}{&id, &seen, &status, &comment, &author} {
			if err := json.Unmarshal(t.Values[i], value); err != nil {
				return nil, err
			}
		}
		if number, ok := seen.(float64); ok {
			seen = p.kept[int(number)]["updated_at"]
		}
		return p.keep(p.call(id, seen, status, comment, author, transaction))
	case "transaction":
		err = p.transaction(func(inside interface{}) error {
			p.answer(row{})
			return p.run(inside)
		})
	default:
		err = fmt.Errorf("told %q", t.Do)
	}
	return row{}, err
}

func (p *program) keep(model row, err error) (row, error) {
	if err != nil {
		return nil, err
	}
	p.kept = append(p.kept, model)
	shown := row{"kept": len(p.kept) - 1}
	for name, value := range model {
		if version, ok := value.(time.Time); ok {
			value = version.Format(time.RFC3339Nano)
		}
		shown[name] = value
	}
	return shown, nil
}

func (p *program) answer(object row) {
	line, err := json.Marshal(object)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(line))
}
