package sim

import (
	"encoding/json"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kuberator/kuberator/test/sim/internal/tables"
)

const asTable = "Table"

// columns are those of tables of a kind.
func (r *resource) columns() *tables.Columns {
	if r.custom != nil && r.custom.columns != nil {
		return r.custom.columns
	}
	return tables.For(r.gvk.GroupKind())
}

// included says what rows of a table have of their objects: nothing, their metadata, or all.
func (r *request) included() (metav1.IncludeObjectPolicy, error) {
	switch included := metav1.IncludeObjectPolicy(r.query.Get("includeObject")); included {
	case "":
		return metav1.IncludeMetadata, nil
	case metav1.IncludeNone, metav1.IncludeMetadata, metav1.IncludeObject:
		return included, nil
	default:
		return "", apierrors.NewBadRequest(fmt.Sprintf(
			"Unable to convert to Table as requested: includeObject: Invalid value: %q: must be 'Metadata', 'Object', 'None', or empty", included))
	}
}

// table is objects as rows of a table, in JSON. One without heads continues another one.
func (r *request) table(items []*record, meta metav1.ListMeta, heads bool) ([]byte, error) {
	included, err := r.included()
	if err != nil {
		return nil, err
	}
	columns := r.resource.columns()
	out := &metav1.Table{TypeMeta: metav1.TypeMeta{Kind: asTable, APIVersion: r.form.group}, ListMeta: meta, Rows: []metav1.TableRow{}}
	if heads {
		out.ColumnDefinitions = columns.Definitions
	}
	for _, rec := range items {
		object := rec.object
		if r.resource.custom != nil {
			object = r.resource.read(rec).object
		}
		row, err := columns.Row(object)
		if err != nil {
			return nil, fmt.Errorf("show a %s in a table: %w", r.resource.gvk.Kind, err)
		}
		switch included {
		case metav1.IncludeMetadata:
			row.Object.Raw = r.metadataOnly(nil, rec)
		case metav1.IncludeObject:
			row.Object.Raw = r.encodeAll(nil, rec, true)
		default:
		}
		out.Rows = append(out.Rows, row)
	}
	return json.Marshal(out)
}

// bookmarkRow is a bookmark of a watch whose events are tables.
func (w *stream) bookmarkRow(metadata map[string]any) ([]byte, error) {
	row, err := w.request.resource.columns().Row(map[string]any{"metadata": metadata})
	if err != nil {
		return nil, err
	}
	object, err := json.Marshal(map[string]any{"kind": "PartialObjectMetadata", "apiVersion": w.request.form.group, "metadata": metadata})
	if err != nil {
		return nil, err
	}
	row.Object.Raw = object
	return json.Marshal(&metav1.Table{
		TypeMeta: metav1.TypeMeta{Kind: asTable, APIVersion: w.request.form.group},
		ListMeta: metav1.ListMeta{ResourceVersion: formatRV(w.cursor)}, Rows: []metav1.TableRow{row},
	})
}
