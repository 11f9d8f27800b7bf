package e2e_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/cluster"
)

// TestG8G11S7ADeepObjectOnTheServer has one tenant create an object that is nested as deep as the API
// server takes it, before and while a controller runs. It is applied, cleaned up and deleted like others.
func TestG8G11S7ADeepObjectOnTheServer(t *testing.T) {
	w := newWorld(t)
	deeps := group.WithResource("deeps")
	crd := strings.Replace(string(definition(deeps, "Deep", true)), `"spec":{"properties"`, `"spec":{"x-kubernetes-preserve-unknown-fields":true,"properties"`, 1)
	require.Contains(t, crd, "preserve")
	require.NoError(t, cluster.InstallCRDs(t.Context(), shared.Config(), []byte(crd)))
	post := func(name, x string) error {
		body := `{"apiVersion":"e2e.kuberator.dev/v1","kind":"Deep","metadata":{"name":"` + name + `"},"spec":{"x":` + x + `}}`
		return w.admin.CoreV1().RESTClient().Post().AbsPath("/apis/e2e.kuberator.dev/v1/namespaces/"+w.namespace+"/deeps").
			SetHeader("Content-Type", "application/json").Body([]byte(body)).Do(t.Context()).Error()
	}
	nested := func(depth int) string { return strings.Repeat("[", depth) + "1" + strings.Repeat("]", depth) }
	const deepest = 9_998 // and the object, and its spec
	require.Error(t, post("deeper", nested(deepest+1)))
	require.NoError(t, post("before", nested(deepest)))
	require.NoError(t, post("good", "1"))

	var err error
	w.repo, err = repository.New[Widget](w.cfg, newScheme("Deep"), deeps)
	require.NoError(t, err)
	user := controller.Funcs[*Widget]{
		FinalizerName: ours,
		ApplyFunc:     func(context.Context, *Widget) (controller.Action, error) { return controller.AwaitChange(), nil },
		CleanupFunc:   func(context.Context, *Widget) (controller.Action, error) { return controller.AwaitChange(), nil },
	}
	c, err := controller.New(w.repo, user, w.options())
	require.NoError(t, err)
	w.start(c)
	w.until("applied", isApplied(w.key("good")))
	w.until("applied", isApplied(w.key("before")))
	require.NoError(t, post("during", nested(deepest)))
	require.NoError(t, post("later", "1"))
	w.until("applied", isApplied(w.key("during")))
	w.until("applied", isApplied(w.key("later")))
	all, err := w.repo.List(t.Context(), w.namespace, metav1.ListOptions{})
	require.NoError(t, err)
	require.Len(t, all, 4)
	require.NoError(t, w.repo.Delete(t.Context(), w.live("before")))
	w.until("cleaned up", func(a controller.Attempt) bool {
		return a.Key == w.key("before") && a.Op == kerr.OpCleanup && a.Err == nil
	})
	require.Nil(t, w.live("before"))
}
