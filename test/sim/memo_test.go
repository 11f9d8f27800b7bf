package sim

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// What a memo answers is what the field manager would have made, whatever was asked before.
func TestMemoIsExact(t *testing.T) {
	r := builtins()["deployments.apps"]
	_, manager, err := r.managed.of(&write{resource: r})
	require.NoError(t, err)
	var m memo
	random := rand.New(rand.NewPCG(1, 1))
	hits := 0
	current := randomDeployment(random, nil)
	for range 400 {
		next := randomDeployment(random, current)
		who := fmt.Sprint("m", random.IntN(3))
		exact, err := manager.Update(&unstructured.Unstructured{Object: runtime.DeepCopyJSON(current)}, &unstructured.Unstructured{Object: runtime.DeepCopyJSON(next)}, who)
		require.NoError(t, err)
		want, _, _ := unstructured.NestedSlice(exact.(*unstructured.Unstructured).Object, "metadata", "managedFields")
		known := len(m.known)
		got, fits, err := m.update(who, current, next, func(current, next *unstructured.Unstructured) ([]any, error) {
			out, err := manager.Update(current, next, who)
			if err != nil {
				return nil, err
			}
			fields, _, _ := unstructured.NestedSlice(out.(*unstructured.Unstructured).Object, "metadata", "managedFields")
			return fields, nil
		})
		require.NoError(t, err)
		require.True(t, fits)
		if len(m.known) == known {
			hits++
		}
		require.Equal(t, jsonOf(t, sinceThen(want)), jsonOf(t, sinceThen(got)))
		child(next, "metadata")["managedFields"] = age(got, random)
		current = next
	}
	require.Greater(t, hits, 4, "some were remembered")
}

// sinceThen writes "now" for each time that is not of long ago: a second may pass meanwhile.
func sinceThen(entries []any) []any {
	for _, entry := range entries {
		if at := entry.(map[string]any)["time"].(string); at > "2002" {
			entry.(map[string]any)["time"] = "now"
		}
	}
	return entries
}

// age gives managers times of long ago.
func age(entries []any, random *rand.Rand) []any {
	for _, entry := range entries {
		entry.(map[string]any)["time"] = fmt.Sprintf("2001-01-0%dT00:00:00Z", 1+random.IntN(9))
	}
	return entries
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	require.NoError(t, err)
	return string(data)
}

// randomDeployment is a Deployment of few fields, of which a few change each time.
func randomDeployment(random *rand.Rand, old map[string]any) map[string]any {
	o := map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "d", "namespace": "n"}, "spec": map[string]any{}}
	if old != nil {
		o = runtime.DeepCopyJSON(old)
		delete(child(o, "metadata"), "managedFields")
	}
	spec, labels := child(o, "spec"), child(child(o, "metadata"), "labels")
	if labels == nil {
		labels = map[string]any{}
		child(o, "metadata")["labels"] = labels
	}
	switch random.IntN(6) {
	case 0:
		spec["replicas"] = random.Int64N(3)
	case 1:
		delete(spec, "replicas")
	case 2:
		labels[fmt.Sprint("l", random.IntN(2))] = fmt.Sprint(random.IntN(3))
	case 3:
		delete(labels, fmt.Sprint("l", random.IntN(2)))
	case 4:
		ports := []any{map[string]any{"containerPort": 80 + random.Int64N(2), "protocol": "TCP"}}
		spec["template"] = map[string]any{"spec": map[string]any{"containers": []any{map[string]any{"name": fmt.Sprint("c", random.IntN(2)), "image": fmt.Sprint(random.IntN(2)), "ports": ports}}}}
	case 5:
		child(o, "metadata")["finalizers"] = []any{fmt.Sprint("example.com/", random.IntN(2))}
	}
	return o
}

func TestEncodeLikeJSON(t *testing.T) {
	value := map[string]any{
		"z": nil, "a": true, "n": int64(-7), "f": 1.5e300, "i": 3.0, "s": "plain", "e": "\"\\<>&\u2028ü\n\x01",
		"list": []any{[]any{}, map[string]any{}, "x"}, "key \"quoted\"": map[string]any{"b": "", "a": false},
	}
	want, err := json.Marshal(value)
	require.NoError(t, err)
	require.Equal(t, string(want), string(appendObject(nil, value, nil)))
	require.Equal(t, `{"a":1}`, string(appendObject(nil, map[string]any{"kind": "x", "a": int64(1)}, isTypeMeta)))
}

func TestEqual(t *testing.T) {
	values := []any{nil, true, "a", "b", int64(1), 1.0, []any{}, []any{"a"}, []any{nil}, map[string]any{}, map[string]any{"a": nil}, map[string]any{"b": nil}}
	for i, a := range values {
		for j, b := range values {
			require.Equal(t, i == j, equal(a, runtime.DeepCopyJSONValue(b)), "%v, %v", a, b)
		}
	}
}
