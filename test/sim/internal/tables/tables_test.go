package tables

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// The columns of a definition show what their paths find, if it is of their type.
func TestCustomColumns(t *testing.T) {
	born := time.Now().Add(-time.Hour - time.Minute).UTC().Format(time.RFC3339)
	object := map[string]any{
		"metadata": map[string]any{"name": "n", "creationTimestamp": born},
		"spec": map[string]any{
			"size": int64(3), "half": 0.5, "on": true, "word": "w", "list": []any{"a", "b"}, "map": map[string]any{"k": "v"}, "none": nil, "when": "soon",
		},
		"status": map[string]any{"conditions": []any{
			map[string]any{"type": "Synced", "status": "False"}, map[string]any{"type": "Ready", "status": "True"},
		}},
	}
	for _, c := range []struct {
		kind, path string
		want       any
	}{
		{"integer", ".spec.size", int64(3)},
		{"integer", ".spec.half", int64(0)},
		{"integer", ".spec.word", nil},
		{"number", ".spec.size", 3.0},
		{"number", ".spec.half", 0.5},
		{"boolean", ".spec.on", true},
		{"boolean", ".spec.word", nil},
		{"string", ".spec.word", "w"},
		{"string", ".spec.size", "3"},
		{"string", ".spec.on", "true"},
		{"string", ".spec.list", `["a","b"]`},
		{"string", ".spec.map", `{"k":"v"}`},
		{"string", ".spec.list[1]", "b"},
		{"string", ".spec.absent.deeper", nil},
		{"string", `.status.conditions[?(@.type=="Ready")].status`, "True"},
		{"string", `.status.conditions[?(@.type=="Other")].status`, nil},
		{"date", ".metadata.creationTimestamp", "61m"},
		{"date", ".spec.when", "<invalid>"},
		{"date", ".spec.size", nil},
	} {
		columns, err := Custom([]Column{{Name: "C", Type: c.kind, JSONPath: c.path, Priority: 1}})
		require.NoError(t, err)
		row, err := columns.Row(object)
		require.NoError(t, err)
		require.Equal(t, []any{"n", c.want}, row.Cells, "%s %s", c.kind, c.path)
		require.Equal(t, metav1.TableColumnDefinition{
			Name: "C", Type: c.kind, Priority: 1, Description: "Custom resource definition column (in JSONPath format): " + c.path,
		}, columns.Definitions[1])
	}
	_, err := Custom([]Column{{Name: "C", Type: "string", JSONPath: ".spec["}})
	require.ErrorContains(t, err, `column "C"`)
	ages, err := Custom(nil)
	require.NoError(t, err)
	row, err := ages.Row(object)
	require.NoError(t, err)
	require.Equal(t, []any{"n", "61m"}, row.Cells)
}

// A kind without columns of its own has its name and its time, and a Pod that has ended says so.
func TestBuiltinColumns(t *testing.T) {
	row, err := For(schema.GroupKind{Kind: "LimitRange"}).Row(map[string]any{"metadata": map[string]any{"name": "n", "creationTimestamp": "T"}})
	require.NoError(t, err)
	require.Equal(t, []any{"n", "T"}, row.Cells)
	ended, err := For(schema.GroupKind{Kind: "Pod"}).Row(map[string]any{"metadata": map[string]any{"name": "p"}, "status": map[string]any{"phase": "Failed"}})
	require.NoError(t, err)
	require.Equal(t, []any{"p", "0/0", "Failed", "0", unknown}, ended.Cells[:5])
	require.Equal(t, metav1.RowCompleted, ended.Conditions[0].Type)
	for kind, columns := range builtins() {
		row, err := columns.Row(map[string]any{"metadata": map[string]any{"name": "x"}})
		require.NoError(t, err, kind)
		require.Len(t, row.Cells, len(columns.Definitions), kind)
	}
}
