package status_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/status"
	"github.com/kuberator/kuberator/test/sim"
)

const gaugeCRD = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gauges.example.com}
spec:
  group: example.com
  names: {kind: Gauge, listKind: GaugeList, plural: gauges, singular: gauge}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec: {type: object, x-kubernetes-preserve-unknown-fields: true}
          status: {type: object, x-kubernetes-preserve-unknown-fields: true}
`

var (
	gauges   = schema.GroupVersionResource{Group: "example.com", Version: "v1", Resource: "gauges"}
	gaugeKey = types.NamespacedName{Namespace: "ns", Name: "g"}
)

// Three ways to declare the status of an object, with any type of status.
type (
	head struct {
		metav1.TypeMeta   `json:",inline"`
		metav1.ObjectMeta `json:"metadata"`
	}
	always[S any] struct {
		head   `json:",inline"`
		Status S `json:"status"`
	}
	omitempty[S any] struct {
		head   `json:",inline"`
		Status S `json:"status,omitempty"`
	}
	omitzero[S any] struct {
		head   `json:",inline"`
		Status S `json:"status,omitzero"`
	}
)

func (o *always[S]) DeepCopyObject() runtime.Object    { return copied(o) }
func (o *omitempty[S]) DeepCopyObject() runtime.Object { return copied(o) }
func (o *omitzero[S]) DeepCopyObject() runtime.Object  { return copied(o) }

func copied[E any](o *E) *E {
	data, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	c := new(E)
	if err := json.Unmarshal(data, c); err != nil {
		panic(err)
	}
	return c
}

// Types of status as people write them.
type (
	keepsZero struct { // the types of sample-controller, and most others
		Ready             bool   `json:"ready"`
		AvailableReplicas int32  `json:"availableReplicas"`
		Phase             string `json:"phase,omitempty"`
	}
	leavesZero struct {
		Ready    bool  `json:"ready,omitempty"`
		Replicas int32 `json:"replicas,omitempty"`
	}
	pointers struct {
		Ready *bool   `json:"ready"`
		Text  *string `json:"text,omitempty"`
	}
	conditions struct {
		ObservedGeneration int64              `json:"observedGeneration"`
		Conditions         []metav1.Condition `json:"conditions"`
	}
	nested struct {
		Counts map[string]int `json:"counts"`
		Last   keepsZero      `json:"last"`
		At     metav1.Time    `json:"at"`
	}
)

// stored are the states of the server that a status is written to.
var stored = []string{
	``, `{}`, `{"ready":false,"availableReplicas":0}`, `{"ready":true,"availableReplicas":3,"phase":"Up"}`, `{"ready":true}`,
	`{"replicas":2,"text":"t"}`, `{"conditions":[],"observedGeneration":0}`, `{"counts":{"a":1},"last":{"ready":true,"availableReplicas":0}}`,
	`{"another":"controller's"}`,
}

// TestG4G9EveryTypeOfStatusIsWrittenOnce is a table of status types, of what the server
// has, and of what is to be written.
func TestG4G9EveryTypeOfStatusIsWrittenOnce(t *testing.T) {
	yes, no, text := true, false, ""
	zeros := []keepsZero{{}, {Ready: true, AvailableReplicas: 3}, {Phase: "Down"}}
	each(t, func(o *always[keepsZero]) *keepsZero { return &o.Status }, inAController, zeros...)
	each(t, func(o *omitempty[keepsZero]) *keepsZero { return &o.Status }, nil, zeros...)
	each(t, func(o *omitzero[keepsZero]) *keepsZero { return &o.Status }, inAController, zeros...)
	each(t, func(o *always[leavesZero]) *leavesZero { return &o.Status }, nil, leavesZero{}, leavesZero{Replicas: 1})
	each(t, func(o *omitempty[pointers]) *pointers { return &o.Status }, nil, pointers{}, pointers{Ready: &no, Text: &text}, pointers{Ready: &yes})
	each(t, func(o *always[conditions]) *conditions { return &o.Status }, inAController, conditions{},
		conditions{Conditions: []metav1.Condition{}}, conditions{ObservedGeneration: 1, Conditions: []metav1.Condition{{Type: "Ready", Status: "True"}}})
	each(t, func(o *omitzero[nested]) *nested { return &o.Status }, nil, nested{},
		nested{Counts: map[string]int{}, Last: keepsZero{Ready: true}}, nested{Counts: map[string]int{"b": 0}, At: metav1.Unix(1, 0)})
	each(t, func(o *always[map[string]any]) *map[string]any { return &o.Status }, nil,
		map[string]any{}, map[string]any{"ready": false}, map[string]any{"x": map[string]any{"y": int64(0)}})
	each(t, func(o *omitempty[*keepsZero]) **keepsZero { return &o.Status }, nil, nil, &keepsZero{}, &keepsZero{Ready: true})
}

// each tries all states of the server, and runs an operator too if there is one.
func each[S, E any, T interface {
	*E
	repository.Object
}](t *testing.T, field func(T) *S, operate func(*testing.T, *gaugeServer, *repository.Live[T], S, map[string]any), wanted ...S) {
	t.Helper()
	for _, have := range stored {
		for _, want := range wanted {
			for _, spec := range []string{"", "a field"} { // the server keeps no managedFields of an object that began with none
				t.Run(fmt.Sprintf("%T %+v on %s %s", *new(E), want, have, spec), func(t *testing.T) {
					expected := writtenOnce(t, spec, have, want, field)
					if operate == nil || testing.Short() && spec == "" {
						return
					}
					synctest.Test(t, func(t *testing.T) {
						g := newGaugeServer(t, spec, have)
						defer g.Close()
						operate(t, g, gaugesOf[E, T](g), want, expected)
					})
				})
			}
		}
	}
}

// gaugeServer has a Gauge with a status, and counts requests.
type gaugeServer struct {
	*sim.Server
	t             *testing.T
	dynamic       dynamic.ResourceInterface
	gets, patches atomic.Int64
}

func newGaugeServer(t *testing.T, spec, have string) *gaugeServer {
	t.Helper()
	srv, err := sim.New(sim.Options{Kinds: sim.CRD([]byte(gaugeCRD)), Namespaces: []string{"ns"}})
	require.NoError(t, err)
	all, err := dynamic.NewForConfig(srv.Config())
	require.NoError(t, err)
	g := &gaugeServer{Server: srv, t: t, dynamic: all.Resource(gauges).Namespace("ns")}
	gauge := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "example.com/v1", "kind": "Gauge", "metadata": map[string]any{"name": "g"},
	}}
	if spec != "" {
		gauge.Object["spec"] = map[string]any{"x": int64(1)}
	}
	_, err = g.dynamic.Create(t.Context(), gauge, metav1.CreateOptions{})
	require.NoError(t, err)
	if have != "" {
		g.write(`{"status":` + have + `}`)
	}
	return g
}

// write is another client.
func (g *gaugeServer) write(patch string) {
	g.t.Helper()
	_, err := g.dynamic.Patch(g.t.Context(), "g", types.MergePatchType, []byte(patch), metav1.PatchOptions{}, "status")
	require.NoError(g.t, err)
}

// has returns the status that the server has.
func (g *gaugeServer) has() map[string]any {
	g.t.Helper()
	u, err := g.dynamic.Get(g.t.Context(), "g", metav1.GetOptions{})
	require.NoError(g.t, err)
	has, _ := u.Object["status"].(map[string]any)
	return has
}

func (g *gaugeServer) config() *rest.Config {
	cfg := g.Config()
	cfg.Wrap(func(rt http.RoundTripper) http.RoundTripper {
		return counting(func(r *http.Request) (*http.Response, error) {
			switch {
			case r.Method == http.MethodPatch:
				g.patches.Add(1)
			case r.Method == http.MethodGet && r.URL.Path == "/apis/example.com/v1/namespaces/ns/gauges/g":
				g.gets.Add(1)
			}
			return rt.RoundTrip(r)
		})
	})
	return cfg
}

type counting func(*http.Request) (*http.Response, error)

func (c counting) RoundTrip(r *http.Request) (*http.Response, error) { return c(r) }

func gaugesOf[E any, T interface {
	*E
	repository.Object
}](g *gaugeServer) *repository.Live[T] {
	g.t.Helper()
	known := runtime.NewScheme()
	known.AddKnownTypeWithName(gauges.GroupVersion().WithKind("Gauge"), any(new(E)).(runtime.Object))
	repo, err := repository.New[E, T](g.config(), known, gauges)
	require.NoError(g.t, err)
	return repo
}

func asJSON(t *testing.T, status any) map[string]any {
	t.Helper()
	data, err := json.Marshal(status)
	require.NoError(t, err)
	var m map[string]any
	require.NoError(t, json.Unmarshal(data, &m))
	for name, value := range m {
		if value == nil {
			delete(m, name)
		}
	}
	return m
}

func sameJSON(t *testing.T, want any, has map[string]any) {
	t.Helper()
	if w := asJSON(t, want); len(w) > 0 || len(has) > 0 {
		require.Equal(t, w, asJSON(t, has))
	}
}

// writtenOnce writes want to an object that was read from the server, and returns what the
// server has then. What another controller wrote, of which the type knows nothing, stays.
func writtenOnce[S, E any, T interface {
	*E
	repository.Object
}](t *testing.T, spec, have string, want S, field func(T) *S) map[string]any {
	t.Helper()
	g := newGaugeServer(t, spec, have)
	defer g.Close()
	repo := gaugesOf[E, T](g)
	obj, err := repo.Get(t.Context(), gaugeKey)
	require.NoError(t, err)
	shown := asJSON(t, *field(obj))
	expected := asJSON(t, want)
	for name, value := range g.has() {
		if _, known := shown[name]; !known && expected[name] == nil {
			if expected == nil {
				expected = map[string]any{}
			}
			expected[name] = value
		}
	}
	got, err := status.Patch(t.Context(), repo, obj, want)
	require.NoError(t, err)
	sameJSON(t, expected, g.has())
	sent := g.patches.Load()
	_, err = status.Patch(t.Context(), repo, got, want)
	require.NoError(t, err)
	require.Equal(t, sent, g.patches.Load(), "the second sends nothing")
	return expected
}

// inAController runs a controller whose Apply writes want, several times, and then another one.
func inAController[S any, T repository.Object](t *testing.T, g *gaugeServer, repo *repository.Live[T], want S, expected map[string]any) {
	t.Helper()
	process := func() (attempts int) {
		c, err := controller.New(repo, controller.Funcs[T]{
			FinalizerName: controller.NoFinalizer,
			ApplyFunc: func(ctx context.Context, obj T) (controller.Action, error) {
				attempts++
				_, err := status.Patch(ctx, repo, obj, want)
				return controller.AwaitChange(), err
			},
		}, &controller.Options{Logger: zaptest.NewLogger(t, zaptest.Level(zap.ErrorLevel))})
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- c.Run(ctx) }()
		for range 3 {
			time.Sleep(time.Second)
			c.Enqueue(gaugeKey)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		stop()
		require.NoError(t, <-done)
		return attempts
	}
	require.GreaterOrEqual(t, process(), 3)
	sameJSON(t, expected, g.has())
	require.LessOrEqual(t, g.patches.Load(), int64(1))
	require.LessOrEqual(t, g.gets.Load(), int64(1))
	sent, read := g.patches.Load(), g.gets.Load()
	require.GreaterOrEqual(t, process(), 3)
	require.Equal(t, sent, g.patches.Load(), "a restart writes nothing")
	require.LessOrEqual(t, g.gets.Load(), read+1)
}
