package openapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/openapi/openapitest"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/test/cluster"
	"github.com/kuberator/kuberator/test/sim"
)

const crd = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget, listKind: WidgetList}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        description: A Widget is a thing.
        required: [spec]
        properties:
          spec:
            type: object
            required: [size]
            properties:
              size: {type: integer, description: How large it is., minimum: 1}
              colour: {type: string, enum: [red, blue], default: red}
              tags: {type: array, x-kubernetes-list-type: set, items: {type: string}}
              port: {x-kubernetes-int-or-string: true}
              any: {type: object, x-kubernetes-preserve-unknown-fields: true}
              words: {type: object, additionalProperties: {type: string}}
              maybe: {type: string, nullable: true}
`

func simulated(t *testing.T) *rest.Config {
	t.Helper()
	srv, err := sim.New(sim.Options{Kinds: append(sim.StableCore(), sim.CRD([]byte(crd))...)})
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	return srv.Config()
}

// documents are the documents of version 3 of a server, by path.
func documents(t *testing.T, cfg *rest.Config) map[string]document {
	t.Helper()
	paths, err := discovery.NewDiscoveryClientForConfigOrDie(cfg).OpenAPIV3().Paths()
	require.NoError(t, err)
	out := map[string]document{}
	for path, gv := range paths {
		data, err := gv.Schema("application/json")
		require.NoError(t, err, path)
		out[path] = read(t, data)
	}
	return out
}

type document struct {
	Components struct{ Schemas map[string]any }
	Paths      map[string]map[string]any
}

func read(t *testing.T, data []byte) (d document) {
	t.Helper()
	require.NoError(t, json.Unmarshal(data, &d))
	return d
}

// differences are where one schema says something else than another, with both.
func differences(path string, want, got any) (out []string) {
	wanted, isObject := want.(map[string]any)
	found, isObjectToo := got.(map[string]any)
	if !isObject || !isObjectToo {
		if !reflect.DeepEqual(want, got) {
			out = append(out, fmt.Sprintf("%s: want %.60v, got %.60v", path, want, got))
		}
		return out
	}
	for key := range wanted {
		out = append(out, differences(path+"."+key, wanted[key], found[key])...)
	}
	for key := range found {
		if _, both := wanted[key]; !both {
			out = append(out, differences(path+"."+key, nil, found[key])...)
		}
	}
	return out
}

// compare returns how the schemas that both have differ, without what a pattern allows.
func compare(want, got document, allowed *regexp.Regexp) (out []string) {
	for name, schema := range got.Components.Schemas {
		if other, both := want.Components.Schemas[name]; both {
			out = append(out, differences(strings.TrimPrefix(name, "io.k8s."), other, schema)...)
		}
	}
	slices.Sort(out)
	return slices.DeleteFunc(out, func(text string) bool { return allowed.MatchString(text) })
}

// The schemas are those that client-go has from an older release, but for words, defaults and lists,
// of which that release says less, and for what has changed since.
func TestReleasedSchemas(t *testing.T) {
	is := documents(t, simulated(t))
	paths, err := openapitest.NewEmbeddedFileClient().Paths()
	require.NoError(t, err)
	allowed := regexp.MustCompile(`description|\.default|x-kubernetes-(list|map|unions|group-version-kind)|want <nil>, got map|\.required: |` +
		`additionalProperties\.(\$ref|allOf)|LabelSelectorRequirement\.properties\.key|PersistentVolumeClaimSpec\.properties\.resources\.allOf`)
	var out []string
	for _, path := range []string{"api/v1", "apis/apps/v1", "apis/batch/v1", "apis/discovery.k8s.io/v1"} {
		data, err := paths[path].Schema("application/json")
		require.NoError(t, err)
		out = append(out, compare(read(t, data), is[path], allowed)...)
	}
	require.Empty(t, strings.Join(slices.Compact(out), "\n"))
}

// They are those of a real server, as far as the README says so.
func TestRealServer(t *testing.T) {
	c := cluster.Start(t, nil)
	require.NoError(t, cluster.InstallCRDs(t.Context(), c.Config(), []byte(crd)))
	want, got := documents(t, c.Config()), documents(t, simulated(t))
	allowed := regexp.MustCompile(strings.Join([]string{
		`description`, `\.enum`, `x-kubernetes-(unions|group-version-kind)`, `x-kubernetes-map-type: want granular`,
		`x-kubernetes-list-type: want atomic, got <nil>`,                                              // which it is anyway
		`want <nil>, got map`, `[nN]odeAllocatableResourceClaimStatus`, `IngressRule.properties.http`, // newer than the server
	}, "|"))
	var out []string
	for path := range got {
		out = append(out, compare(want[path], got[path], allowed)...)
	}
	require.Empty(t, strings.Join(out, "\n"))
}

// Clients that read Protobuf only, as kubectl does for some questions, get it.
func TestProtobuf(t *testing.T) {
	cfg := simulated(t)
	client := discovery.NewDiscoveryClientForConfigOrDie(cfg)
	v2, err := client.OpenAPISchema()
	require.NoError(t, err)
	names := map[string]bool{}
	for _, d := range v2.GetDefinitions().GetAdditionalProperties() {
		names[d.GetName()] = true
	}
	require.True(t, names["io.k8s.api.core.v1.ConfigMap"] && names["com.example.v1.Widget"])
	paths, err := client.OpenAPIV3().Paths()
	require.NoError(t, err)
	for path, gv := range paths {
		data, err := gv.Schema("application/com.github.proto-openapi.spec.v3@v1.0+protobuf")
		require.NoError(t, err, path)
		require.NotEqual(t, byte('{'), data[0], path)
	}
}

// What is not served has no document.
func TestNotServed(t *testing.T) {
	cfg := simulated(t)
	client := &http.Client{Transport: cfg.Transport}
	for path, code := range map[string]int{
		"/openapi/v3": 200, "/openapi/v2": 200, "/openapi/v3/api/v1": 200, "/openapi/v3/apis/example.com/v1": 200,
		"/openapi/v4": 404, "/openapi/v3/apis/example.com/v2": 404, "/openapi/v3/api": 404, "/openapi/v2/x": 404,
	} {
		response, err := client.Get(cfg.Host + path)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, code, response.StatusCode, path)
	}
}
