// Package contender has one operator, written three times: with this library, by
// hand on client-go, and with controller-runtime.
//
// Each watches all Widgets, keeps them in a cache without managedFields, and has two
// workers. For a key each does the same: take it from a queue that merges
// duplicates, look the Widget up in the cache, copy it once, deeply, check that it
// carries the finalizer and is not being deleted, call the user's function, and
// settle the key. Errors would be retried with a backoff per key.
package contender

import (
	"context"
	"errors"
	"io"
	"slices"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/test/bench/internal/widget"
)

// workers is how many objects each operator works on at the same time.
const workers = 2

// Operator is a program that reconciles Widgets.
type Operator interface {
	// Run works until ctx ends. It may be called once.
	Run(ctx context.Context) error
	// Enqueuer returns a function that asks for a reconcile of the i-th key. What can
	// be prepared for that is done once, here. It waits until Run has begun.
	Enqueuer(keys []types.NamespacedName) func(i int)
}

// Apply is the user's function. If it returns an error, it is called again later.
type Apply func(*widget.Widget) error

// New makes an operator that calls apply for every Widget.
type New func(cfg *rest.Config, apply Apply) (Operator, error)

// logger is what operators run with in production: levels and formatting as always,
// and nothing to write to. No contender logs a success at this level.
func logger() *zap.Logger {
	return zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(io.Discard), zap.InfoLevel))
}

// owned has the operators that are not of this library do by hand what it does by itself for those with a finalizer.
func owned(apply Apply) Apply {
	return func(w *widget.Widget) error {
		if err := ours(w); err != nil {
			return err
		}
		return apply(w)
	}
}

// ours is the check that this library makes by itself, and the others by hand.
func ours(w metav1.Object) error {
	if w.GetDeletionTimestamp() != nil || !slices.Contains(w.GetFinalizers(), widget.Finalizer) {
		return errors.New("a settled Widget was expected: " + w.GetName())
	}
	return nil
}
