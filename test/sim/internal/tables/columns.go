package tables

import (
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/duration"
)

// Columns are what the tables of one kind show. They do not change.
type Columns struct {
	// Definitions are the heads of the columns, from left to right.
	Definitions []metav1.TableColumnDefinition

	cells func(object map[string]any) ([]any, error)
	state func(object map[string]any) []metav1.TableRowCondition // nil: there is nothing to say
}

// Row returns the cells of an object, and what is to be known of the row as a whole. The object
// is not changed.
func (c *Columns) Row(object map[string]any) (metav1.TableRow, error) {
	cells, err := c.cells(object)
	row := metav1.TableRow{Cells: cells}
	if c.state != nil {
		row.Conditions = c.state(object)
	}
	return row, err
}

// For returns the columns of a kind that is compiled into the server: those that the server has
// for it, or else its name and when it was created.
func For(kind schema.GroupKind) *Columns {
	if found, ok := builtins()[kind]; ok {
		return found
	}
	return plain
}

var plain = &Columns{
	Definitions: heads("Name", "Created At date"),
	cells: func(object map[string]any) ([]any, error) {
		meta, _ := object["metadata"].(map[string]any)
		return []any{meta["name"], meta["creationTimestamp"]}, nil
	},
}

// heads reads how columns are written in this package: a name, its type if it is not a string,
// and a + if only wide tables have it.
func heads(columns ...string) []metav1.TableColumnDefinition {
	out := make([]metav1.TableColumnDefinition, 0, len(columns))
	for _, text := range columns {
		column := metav1.TableColumnDefinition{Type: "string"}
		text, wide := strings.CutSuffix(text, "+")
		if wide {
			column.Priority = 1
		}
		column.Name = text
		for _, kind := range []string{"integer", "boolean", "date"} {
			if name, ok := strings.CutSuffix(text, " "+kind); ok {
				column.Name, column.Type = name, kind
			}
		}
		if column.Name == "Name" {
			column.Format = "name"
		}
		out = append(out, column)
	}
	return out
}

// show returns the columns of a kind with the Go type T.
func show[T any](columns []string, cells func(*T) []any) *Columns {
	return &Columns{Definitions: heads(columns...), cells: func(object map[string]any) ([]any, error) {
		typed, err := read[T](object)
		if err != nil {
			return nil, err
		}
		return cells(typed), nil
	}}
}

func read[T any](object map[string]any) (*T, error) {
	typed := new(T)
	return typed, runtime.DefaultUnstructuredConverter.FromUnstructured(object, typed)
}

// age is how long ago something was, as people say it.
func age(at metav1.Time) string {
	if at.IsZero() {
		return unknown
	}
	return duration.HumanDuration(time.Since(at.Time))
}

// What a cell says if there is nothing to show.
const (
	none    = "<none>"
	unset   = "<unset>"
	unknown = "<unknown>"
)

// or returns what is there, or else what to say instead.
func or[T ~string](value T, instead string) string {
	if value == "" {
		return instead
	}
	return string(value)
}

// orUnset is [or] for what may be absent.
func orUnset[T ~string](value *T) string {
	if value == nil {
		return unset
	}
	return string(*value)
}
