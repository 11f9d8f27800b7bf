package status_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/status"
)

// shown is a status with conditions.
type shown struct {
	ObservedGeneration int64              `json:"observedGeneration,omitempty"`
	Conditions         []metav1.Condition `json:"conditions,omitempty"`
}

func (s *shown) ObserveGeneration(generation int64) { s.ObservedGeneration = generation }

// pausedAs is what the condition says.
type pausedAs struct {
	is         bool
	reason     string
	generation int64
}

func pausedBy(conditions []metav1.Condition) pausedAs {
	c := meta.FindStatusCondition(conditions, status.ConditionPaused)
	if c == nil {
		return pausedAs{}
	}
	return pausedAs{c.Status == metav1.ConditionTrue, c.Reason, c.ObservedGeneration}
}

// showing is an operator that does nothing but show its pauses.
type showing struct {
	controller.Funcs[*always[shown]]
	repo *repository.Live[*always[shown]]
}

func (o showing) Paused(ctx context.Context, obj *always[shown]) error { return o.show(ctx, obj) }

func (o showing) show(ctx context.Context, obj *always[shown]) error {
	status.SetPaused(&obj.Status.Conditions, obj)
	_, err := status.Patch(ctx, o.repo, obj, obj.Status)
	return err
}

// TestG21TheConditionPaused is written once for each pause, in place, names the generation, and goes with the pause;
// the generation that no Apply has seen is not observed. Kills: a Patch that observes it, a condition that stays.
func TestG21TheConditionPaused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGaugeServer(t, "a field", `{}`)
		defer g.Close()
		o := showing{repo: gaugesOf[always[shown]](g)}
		o.FinalizerName = controller.NoFinalizer
		o.ApplyFunc = func(ctx context.Context, obj *always[shown]) (controller.Action, error) {
			return controller.AwaitChange(), o.show(ctx, obj)
		}
		c, err := controller.New(o.repo, o, &controller.Options{Logger: zap.NewNop()})
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- c.Run(ctx) }()
		now := func(change string) (pausedAs, shown) {
			_, err := g.dynamic.Patch(t.Context(), "g", types.MergePatchType, []byte(change), metav1.PatchOptions{})
			require.NoError(t, err)
			time.Sleep(time.Minute)
			synctest.Wait()
			obj, err := o.repo.Get(t.Context(), gaugeKey)
			require.NoError(t, err)
			return pausedBy(obj.Status.Conditions), obj.Status
		}
		_, s := now(`{"spec":{"a":1}}`)
		require.Empty(t, s.Conditions)
		applied := s.ObservedGeneration
		require.NotZero(t, applied)

		patches := g.patches.Load()
		p, s := now(`{"metadata":{"annotations":{"kuberator.dev/paused":"true"}}}`)
		require.Equal(t, pausedAs{true, status.ReasonPaused, applied}, p)
		require.Equal(t, applied, s.ObservedGeneration)
		p, s = now(`{"spec":{"a":2}}`)
		require.Equal(t, applied+1, p.generation, "the condition is of now")
		require.Equal(t, applied, s.ObservedGeneration, "and the spec is not")
		require.EqualValues(t, 2, g.patches.Load()-patches)

		p, _ = now(`{"metadata":{"annotations":{"kuberator.dev/paused":"yes"}}}`)
		require.Equal(t, status.ReasonInvalidValue, p.reason)
		until := time.Now().Add(90 * time.Second).Format(time.RFC3339)
		p, s = now(`{"metadata":{"annotations":{"kuberator.dev/paused":"` + until + `"}}}`)
		require.Equal(t, status.ReasonPausedUntil, p.reason)
		require.Contains(t, meta.FindStatusCondition(s.Conditions, status.ConditionPaused).Message, until)
		p, s = now(`{"metadata":{"labels":{"a":"b"}}}`)
		require.False(t, p.is, "its time is over")
		require.Equal(t, applied+1, s.ObservedGeneration)
		stop()
		require.NoError(t, <-done)
	})
}
