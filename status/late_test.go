package status_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/status"
)

type gauge = always[keepsZero]

// meanwhile is a network in which something else happens before a patch arrives.
type meanwhile struct {
	*repository.Live[*gauge]
	before func()
}

func (m meanwhile) Patch(ctx context.Context, obj *gauge, pt types.PatchType, data []byte, sub ...string) (*gauge, error) {
	m.before()
	return m.Live.Patch(ctx, obj, pt, data, sub...)
}

// TestG4ALateStatusDoesNotOverwriteANewerOne has a process that was decided to write, and
// stopped for an hour before its request arrived. Its successor has written since.
func TestG4ALateStatusDoesNotOverwriteANewerOne(t *testing.T) {
	g := newGaugeServer(t, "a field", `{"ready":false,"availableReplicas":1}`)
	defer g.Close()
	repo := gaugesOf[gauge](g)
	obj, err := repo.Get(t.Context(), gaugeKey)
	require.NoError(t, err)
	late := meanwhile{repo, func() { g.write(`{"status":{"availableReplicas":5}}`) }}
	_, err = status.Patch(t.Context(), late, obj, keepsZero{AvailableReplicas: 2})
	require.Equal(t, kerr.ClassConflict, kerr.ClassOf(err), "%v", err)
	require.ErrorContains(t, err, `another client changed the status field "availableReplicas"`)
	sameJSON(t, keepsZero{AvailableReplicas: 5}, g.has())
}

// TestG4AConflictTakesNothingFromOthers: only what the decision changed is sent again.
func TestG4AConflictTakesNothingFromOthers(t *testing.T) {
	g := newGaugeServer(t, "a field", `{"ready":false,"availableReplicas":0}`)
	defer g.Close()
	repo := gaugesOf[gauge](g)
	obj, err := repo.Get(t.Context(), gaugeKey)
	require.NoError(t, err)
	writes := []string{`{"status":{"another":{"x":1}}}`, `{"status":{"ready":true}}`, `{"metadata":{"labels":{"a":"b"}}}`}
	busy := meanwhile{repo, func() {
		if len(writes) > 1 {
			g.write(writes[0])
			writes = writes[1:]
		}
	}}
	_, err = status.Patch(t.Context(), busy, obj, keepsZero{AvailableReplicas: 2})
	require.NoError(t, err)
	sameJSON(t, map[string]any{"ready": true, "availableReplicas": 2, "another": map[string]any{"x": 1}}, g.has())
}

// TestG9ACacheWithoutStatusSendsNothing: a transform may leave out what nobody reads.
func TestG9ACacheWithoutStatusSendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGaugeServer(t, "a field", `{"ready":true,"availableReplicas":2}`)
		defer g.Close()
		attempts, replicas := 0, int32(2)
		c, err := controller.New(gaugesOf[gauge](g), controller.Funcs[*gauge]{
			FinalizerName: "example.com/g",
			ApplyFunc: func(ctx context.Context, obj *gauge) (controller.Action, error) {
				attempts++
				_, err := status.Patch(ctx, gaugesOf[gauge](g), obj, keepsZero{Ready: true, AvailableReplicas: replicas})
				return controller.AwaitChange(), err
			},
		}, &controller.Options{Logger: zaptest.NewLogger(t, zaptest.Level(zap.ErrorLevel))})
		require.NoError(t, err)
		require.NoError(t, c.Informer().SetTransform(func(o *gauge) *gauge {
			o.Status = keepsZero{}
			return o
		}))
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- c.Run(ctx) }()
		again := func() {
			c.Enqueue(gaugeKey)
			time.Sleep(time.Second)
			synctest.Wait()
		}
		again()
		require.EqualValues(t, 1, g.patches.Load(), "the finalizer")
		again()
		again()
		require.EqualValues(t, 1, g.patches.Load(), "nothing to write")
		replicas = 3
		again()
		again()
		require.EqualValues(t, 2, g.patches.Load())
		require.GreaterOrEqual(t, attempts, 5)
		sameJSON(t, keepsZero{Ready: true, AvailableReplicas: 3}, g.has())
		stop()
		require.NoError(t, <-done)
	})
}

// huge is the rest of an object that nobody wants to encode for the sake of its status.
type huge struct{}

func (huge) MarshalJSON() ([]byte, error) { panic("the whole object is encoded") }

type heavy struct {
	head
	Spec   huge      `json:"spec"`
	Status keepsZero `json:"status"`
}

func (h *heavy) DeepCopyObject() runtime.Object { c := *h; return &c }

// TestTheStatusAloneIsEncoded: a no-op of a large object costs what its status costs.
func TestTheStatusAloneIsEncoded(t *testing.T) {
	g := newGaugeServer(t, "a field", `{"ready":true,"availableReplicas":2}`)
	defer g.Close()
	repo := gaugesOf[heavy](g)
	obj, err := repo.Get(t.Context(), gaugeKey)
	require.NoError(t, err)
	_, err = status.Patch(t.Context(), repo, obj, obj.Status)
	require.NoError(t, err)
	require.Zero(t, g.patches.Load())
}
