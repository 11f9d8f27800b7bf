package e2e_test

import (
	"context"
	"fmt"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/kuberator/kuberator/example/configmirror/api/v1alpha1"
	"github.com/kuberator/kuberator/status"
)

// is checks the status of the mirror, for its current generation.
func (w *world) is(reason string, copies int32) func(context.Context) error {
	return func(ctx context.Context) error {
		m, err := w.get(ctx)
		if err != nil {
			return err
		}
		ready := meta.FindStatusCondition(m.Status.Conditions, v1alpha1.ConditionReady)
		switch {
		case ready == nil || !status.Observed(m, m.Status.ObservedGeneration):
			return fmt.Errorf("generation %d is not observed", m.Generation)
		case ready.Reason != reason || m.Status.Copies != copies:
			return fmt.Errorf("it is %s with %d copies: %s", ready.Reason, m.Status.Copies, ready.Message)
		case ready.ObservedGeneration != m.Generation:
			return fmt.Errorf("the condition is about generation %d", ready.ObservedGeneration)
		}
		return nil
	}
}

// delete deletes the mirror and waits until it is gone. Nothing of it may be left.
func (w *world) delete() {
	w.t.Helper()
	m, err := w.get(w.t.Context())
	require.NoError(w.t, err)
	require.NoError(w.t, env.mirrors.Delete(w.t.Context(), m))
	eventually(w.t, w.gone)
	require.NoError(w.t, w.copies()(w.t.Context()))
}

func (w *world) gone(ctx context.Context) error {
	m, err := w.get(ctx)
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return err
	default:
		return fmt.Errorf("it is still there, with the finalizers %q", m.Finalizers)
	}
}

// reasonOf returns the reason of the condition Ready.
func reasonOf(m *v1alpha1.ConfigMirror) string {
	if ready := meta.FindStatusCondition(m.Status.Conditions, v1alpha1.ConditionReady); ready != nil {
		return ready.Reason
	}
	return ""
}
