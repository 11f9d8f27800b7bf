package schema_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// widget is a valid widget with n ports.
func widget(t testing.TB, n int) map[string]any {
	t.Helper()
	obj := object(t, `
apiVersion: example.com/v1
kind: Widget
metadata: {name: a, namespace: default, labels: {a: b}, finalizers: [example.com/a]}
spec:
  mode: Safe
  replicas: 3
  surge: 25%
  labels: {a: b, c: d}
  args: [a, b, c]
  zones: [a, b]
  config: {any: {thing: [1, 2]}}
  template: {apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {a: b}}
status: {phase: Ready}
`)
	ports := make([]any, n)
	for i := range ports {
		ports[i] = map[string]any{"port": int64(i), "protocol": "TCP", "name": "http"}
	}
	obj["spec"].(map[string]any)["ports"] = ports
	return obj
}

func BenchmarkWrite(b *testing.B) {
	s := newSchema(b, widgetSchema)
	for _, ports := range []int{2, 100} {
		obj, old := widget(b, ports), widget(b, ports)
		old["spec"].(map[string]any)["replicas"] = int64(4)
		b.Run(fmt.Sprintf("ports=%d", ports), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				require.Empty(b, s.Prune(obj))
				s.Default(obj)
				require.Empty(b, s.Validate(obj, old))
			}
		})
	}
}
