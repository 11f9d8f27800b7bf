package journal_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/internal/journal"
)

// TestS8AContextShowsNoObjects has user code print the ctx of an attempt. Kills: a Secret in a log, and a read of what
// other goroutines write.
func TestS8AContextShowsNoObjects(t *testing.T) {
	ref := journal.Ref{Kind: schema.GroupKind{Kind: "Secret"}, Key: types.NamespacedName{Namespace: "ns", Name: "s"}}
	secret := &corev1.Secret{StringData: map[string]string{"password": "hunter2"}}
	j := journal.New(context.Background(), journal.Config{
		Kind: schema.GroupVersionKind{Kind: "Secret"}, Key: ref.Key, Earlier: map[journal.Ref]journal.Write{ref: {Ref: ref, Object: secret}},
	})
	defer j.End()
	ctx, cancel := context.WithCancel(j.Context())
	defer cancel()
	for _, ctx := range []context.Context{j.Context(), ctx} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			require.NotContains(t, fmt.Sprintf(verb, ctx), "hunter2", verb)
		}
	}
	require.Equal(t, "attempt(Secret ns/s)", fmt.Sprint(j.Context()))
}
