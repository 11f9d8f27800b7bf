package tables

import (
	"bytes"
	"fmt"
	"reflect"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/jsonpath"
)

// Column is a column that a CustomResourceDefinition names (additionalPrinterColumns).
type Column struct {
	Name, Type, Format, Description string
	Priority                        int32
	JSONPath                        string `json:"jsonPath"`
}

// Custom returns the columns of a kind of a CustomResourceDefinition; if it names none, they are
// the name and the age. An error is a path that cannot be read.
func Custom(columns []Column) (*Columns, error) {
	if len(columns) == 0 {
		columns = []Column{{Name: "Age", Type: "date", JSONPath: ".metadata.creationTimestamp"}}
	}
	out := &Columns{Definitions: heads("Name")}
	paths := make([]*jsonpath.JSONPath, 0, len(columns))
	for _, c := range columns {
		path := jsonpath.New(c.Name).AllowMissingKeys(true)
		if err := path.Parse("{" + c.JSONPath + "}"); err != nil {
			return nil, fmt.Errorf("column %q: %w", c.Name, err)
		}
		paths = append(paths, path)
		out.Definitions = append(out.Definitions, metav1.TableColumnDefinition{
			Name: c.Name, Type: c.Type, Format: c.Format, Priority: c.Priority, Description: c.describe(),
		})
	}
	out.cells = func(object map[string]any) ([]any, error) {
		meta, _ := object["metadata"].(map[string]any)
		cells := []any{meta["name"]}
		for i, path := range paths {
			cells = append(cells, cell(columns[i].Type, path, object))
		}
		return cells, nil
	}
	return out, nil
}

func (c *Column) describe() string {
	if c.Description == "" {
		return "Custom resource definition column (in JSONPath format): " + c.JSONPath
	}
	return c.Description
}

// cell is what a path finds in an object, as the type of the column shows it: nothing if it does
// not fit.
func cell(kind string, path *jsonpath.JSONPath, object map[string]any) any {
	found, err := path.FindResults(object)
	if err != nil || len(found) == 0 || len(found[0]) == 0 {
		return nil
	}
	value := found[0][0].Interface()
	switch typed := value.(type) {
	case nil:
	case int64:
		switch kind {
		case "integer":
			return typed
		case "number":
			return float64(typed)
		}
	case float64:
		switch kind {
		case "integer":
			return int64(typed)
		case "number":
			return typed
		}
	case bool:
		if kind == "boolean" {
			return typed
		}
	case string:
		if kind == "date" {
			var at metav1.Time
			if at.UnmarshalQueryParameter(typed) != nil {
				return "<invalid>"
			}
			return age(at)
		}
	}
	if kind != "string" {
		return nil
	}
	text := &bytes.Buffer{}
	if err := path.PrintResults(text, []reflect.Value{reflect.ValueOf(value)}); err != nil {
		return nil
	}
	return text.String()
}
