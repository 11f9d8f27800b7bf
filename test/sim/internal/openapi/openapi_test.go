package openapi

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/applyconfigurations"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/openapi/openapitest"
)

func TestScratch(t *testing.T) {
	tv, err := applyconfigurations.NewTypeConverter(scheme.Scheme).ObjectToTyped(&corev1.ConfigMap{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}})
	require.NoError(t, err)
	paths, err := openapitest.NewFileClient("/root/go/pkg/mod/k8s.io/kubernetes@v1.36.3/api/openapi-spec/v3").Paths()
	require.NoError(t, err)
	n := map[string]int{}
	for path, gv := range paths {
		data, err := gv.Schema("application/json")
		require.NoError(t, err)
		if f := os.Getenv("REAL_CORE"); f != "" && path == "api/v1" {
			data, err = os.ReadFile(f)
			require.NoError(t, err)
		}
		var doc struct {
			Components struct{ Schemas map[string]any }
		}
		require.NoError(t, json.Unmarshal(data, &doc))
		parts := strings.Split(path, "/")
		g := schema.GroupVersion{Version: parts[len(parts)-1]}
		if len(parts) == 3 {
			g.Group = parts[1]
		}
		s := &schemas{lists: &lists{tv.Schema()}, out: map[string]any{}}
		for kind, typ := range scheme.Scheme.KnownTypes(g) {
			if _, ok := doc.Components.Schemas[modelName(typ)]; ok && strings.HasPrefix(typ.PkgPath(), "k8s.io/api/") {
				s.kind(g.WithKind(kind), typ)
			}
		}
		raw, _ := json.Marshal(s.out)
		var mine map[string]any
		require.NoError(t, json.Unmarshal(raw, &mine))
		for name, m := range mine {
			diff(name, m, doc.Components.Schemas[name], n)
		}
	}
	var keys []string
	for k := range n {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		fmt.Println(n[k], k)
	}
}

func diff(path string, a, b any, n map[string]int) {
	am, ok1 := a.(map[string]any)
	bm, ok2 := b.(map[string]any)
	if !ok1 || !ok2 {
		if !reflect.DeepEqual(a, b) {
			x, y := fmt.Sprint(a), fmt.Sprint(b)
			if len(x) > 600 {
				x = x[:600]
			}

			n[path+": "+x+" <> "+y]++
		}
		return
	}
	for k := range am {
		diff(path+"."+k, am[k], bm[k], n)
	}
	for k := range bm {
		if _, ok := am[k]; !ok {
			diff(path+"."+k, nil, bm[k], n)
		}
	}
}
