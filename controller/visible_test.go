package controller_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/kerr"
)

// worse returns the records above debug level.
func (b *harness) worse() int {
	return b.logs.Filter(func(e observer.LoggedEntry) bool { return e.Level > zapcore.DebugLevel }).Len()
}

// TestG16WhatDoesNotHealIsVisible: a name that is taken, a field that another manager owns, a
// Secret or a namespace that is missing. Somebody has to do something: the log says so, and the
// ErrorHandler can write it into a status.
func TestG16WhatDoesNotHealIsVisible(t *testing.T) {
	of := schema.GroupResource{Resource: "secrets"}
	for name, c := range map[string]struct {
		err   error
		class kerr.Class
	}{
		"a name that is taken": {apierrors.NewAlreadyExists(of, "x"), kerr.ClassAlreadyExists},
		"a field manager": {&apierrors.StatusError{ErrStatus: metav1.Status{Code: http.StatusConflict, Reason: metav1.StatusReasonConflict,
			Details: &metav1.StatusDetails{Causes: []metav1.StatusCause{{Type: metav1.CauseTypeFieldManagerConflict, Field: ".data.k"}}}}}, kerr.ClassFieldManagerConflict},
		"a missing Secret":    {apierrors.NewNotFound(of, "x"), kerr.ClassNotFound},
		"a missing namespace": {kerr.New(kerr.OpCreate, schema.GroupVersionKind{Kind: "Secret"}, nsName("a"), "", apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, "ns")), kerr.ClassNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *harness) {
				var handled []kerr.Class
				user := withHandler{controller.Funcs[*deployment]{FinalizerName: ours, ApplyFunc: func(context.Context, *deployment) (action, error) {
					return controller.AwaitChange(), c.err
				}}, func(err error) (action, error) {
					handled = append(handled, kerr.ClassOf(err))
					return controller.AwaitChange(), err
				}}
				ctl, err := controller.New(b.repo, user, &b.opts)
				require.NoError(b.t, err)
				stop := b.runs(ctl)
				b.settle(time.Second)
				require.NotEmpty(b.t, handled)
				require.Equal(b.t, c.class, handled[0])
				require.Equal(b.t, 1, b.logs.FilterLevelExact(zapcore.ErrorLevel).Len(), "said once, and not with each try")
				stop()
			}, newDeployment("a"))
		})
	}
}

// TestG16ConflictsInARowBecomeAWarning: two writers that do not agree.
func TestG16ConflictsInARowBecomeAWarning(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.user.ApplyFunc = func(context.Context, *deployment) (action, error) {
			return controller.AwaitChange(), apierrors.NewConflict(schema.GroupResource{Resource: "deployments"}, "a", errBucket)
		}
		b.start()
		b.settle(time.Second)
		require.Zero(t, b.worse(), "a few are the ordinary course")
		b.settle(time.Minute)
		require.NotZero(t, b.logs.FilterLevelExact(zapcore.WarnLevel).Len())
	}, newDeployment("a"))
}

// TestG16TheSameFailureIsLoggedOnceAMinute, however often the object is updated, and the
// next record counts what was left out. Another failure is said at once.
func TestG16TheSameFailureIsLoggedOnceAMinute(t *testing.T) {
	inBubble(t, func(b *harness) {
		text := "no such region"
		b.user.ApplyFunc = func(context.Context, *deployment) (action, error) {
			return controller.AwaitChange(), kerr.Invalid(errors.New(text))
		}
		b.start()
		for i := range int32(240) {
			b.edit("a", scale(i))
			b.settle(500 * time.Millisecond)
		}
		require.InDelta(t, 3, b.worse(), 1)
		require.Len(t, b.logs.FilterFieldKey("sameBefore").All(), b.worse()-1)
		before := b.worse()
		text = "no such zone"
		b.edit("a", scale(1))
		b.settle(time.Second)
		require.Equal(t, before+1, b.worse())
		require.Greater(t, b.logs.Len(), 240, "all are there at debug level")
	}, newDeployment("a"))
}

// TestG16TroubleWithEachEventIsLoggedOnceAMinute.
func TestG16TroubleWithEachEventIsLoggedOnceAMinute(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.make()
		b.c.Filter(func(_, _ *deployment) bool { panic("in the filter") })
		b.run()
		b.settle(time.Second)
		for i := range int32(100) {
			b.edit("a", scale(i))
			b.settle(500 * time.Millisecond)
		}
		require.LessOrEqual(t, b.worse(), 3)
	}, newDeployment("a"))
}
