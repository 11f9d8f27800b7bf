package configmirror

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kuberator/kuberator/example/configmirror/api/v1alpha1"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/kerr"
)

func TestConditionPutsFirstWhatNeedsAPersonMost(t *testing.T) {
	failed, missing, conflicts := []error{errors.New("no")}, []string{"ConfigMap a/b"}, []string{"Secret c/d"}
	for reason, out := range map[string]outcome{
		v1alpha1.ReasonMirrored:       {},
		v1alpha1.ReasonConflict:       {conflicts: conflicts},
		v1alpha1.ReasonSourceNotFound: {conflicts: conflicts, missing: missing},
		v1alpha1.ReasonFailed:         {conflicts: conflicts, missing: missing, errs: failed},
	} {
		require.Equal(t, reason, out.condition().Reason)
		require.Equal(t, reason == v1alpha1.ReasonMirrored, out.condition().Status == metav1.ConditionTrue)
	}
}

// TestWhatTheCacheDoesNotKnowIsInNoStatus: neither a source that does not exist nor a failure.
func TestWhatTheCacheDoesNotKnowIsInNoStatus(t *testing.T) {
	var out outcome
	unknown := fmt.Errorf("read: %w", informer.ErrNotKnown)
	out.noSource("ConfigMap a/b", unknown)
	require.Equal(t, outcome{behind: unknown}, out)
}

// TestS3StatusIsBounded has more conflicts and errors than anybody reads.
func TestS3StatusIsBounded(t *testing.T) {
	var out outcome
	for i := range 5000 {
		out.conflicts = append(out.conflicts, fmt.Sprintf("ConfigMap ns-%04d/\x1b[31m%s", i, strings.Repeat("x", 1000)))
	}
	ready := out.condition()
	s := out.status(&v1alpha1.ConfigMirror{}, ready)
	require.LessOrEqual(t, len(ready.Message), kerr.MaxMessage)
	require.NotContains(t, ready.Message, "\x1b")
	require.Len(t, s.Conflicts, shown)

	for range 5000 {
		out.failed(errors.New(strings.Repeat("y", 1000)))
	}
	require.LessOrEqual(t, len(out.condition().Message), kerr.MaxMessage)
	require.Contains(t, out.err().Error(), "and 4990 more")
}

func TestStatusOfAnAttemptThatChangesNothingIsTheSame(t *testing.T) {
	var out outcome
	m := &v1alpha1.ConfigMirror{}
	m.Generation = 3
	m.Status = *out.status(m, out.condition())
	require.Equal(t, &m.Status, out.status(m, out.condition()))
}
