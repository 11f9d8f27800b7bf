package explore_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/test/explore"
	"github.com/kuberator/kuberator/test/sim"
)

type mapCase = explore.Case[*corev1.ConfigMap]

func idle(*explore.Env) (explore.Process, error) {
	return explore.RunFunc(func(ctx context.Context) error { <-ctx.Done(); return nil }), nil
}

func TestBadCases(t *testing.T) {
	create := explore.Create(configMap("a", "k", "1"))
	for name, test := range map[string]struct {
		c    mapCase
		want string
	}{
		"no kinds":            {mapCase{New: idle, Script: []explore.Step{create}}, "Case.Kinds is empty: name the kinds"},
		"no operator":         {mapCase{Kinds: sim.Core("configmaps"), Script: []explore.Step{create}}, "Case.New is nil"},
		"no script":           {mapCase{Kinds: sim.Core("configmaps"), New: idle}, "Case.Script is empty"},
		"a nil step":          {mapCase{Kinds: sim.Core("configmaps"), New: idle, Script: []explore.Step{create, nil}}, "step 2 is nil"},
		"a kind nobody knows": {mapCase{Kinds: sim.Core("configmap"), New: idle, Script: []explore.Step{create}}, `kind "configmap": client-go's scheme has no such resource`},
		"T is not served":     {mapCase{Kinds: sim.Core("secrets"), New: idle, Script: []explore.Step{create}}, "the server does not serve /v1, Kind=ConfigMap: add it to Case.Kinds"},
		"a step on a kind that is not served": {
			mapCase{Kinds: sim.Core("configmaps"), New: idle, Script: []explore.Step{create, explore.Create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "s"}})}},
			"step 2 of the script, create Secret s: the server does not serve /v1, Kind=Secret",
		},
		"a step on an object that is not there": {
			mapCase{Kinds: sim.Core("configmaps"), New: idle, Script: []explore.Step{create, explore.Delete("b")}}, `step 2 of the script, delete b: configmaps "b" not found`,
		},
		"a mask of everything": {mapCase{Kinds: sim.Core("configmaps"), New: idle, Script: []explore.Step{create}, Mask: []string{"*"}}, `Case.Mask: "*" hides everything`},
		"a mask of all fields there are": {
			mapCase{Kinds: sim.Core("configmaps"), New: idle, Script: []explore.Step{create}, Mask: []string{"data", "metadata"}}, "the mask hides all that is left after the script",
		},
		"an operator that cannot start": {
			mapCase{Kinds: sim.Core("configmaps"), New: func(*explore.Env) (explore.Process, error) { return nil, errors.New("no license") }, Script: []explore.Step{create}},
			"the operator has ended by itself 11 times, the last time with: no license",
		},
		"no operator and no error": {
			mapCase{Kinds: sim.Core("configmaps"), New: func(*explore.Env) (explore.Process, error) { return nil, nil }, Script: []explore.Step{create}}, //nolint:nilnil // that is the mistake
			"Case.New returned no operator and no error",
		},
		"an external system that is not there": {
			mapCase{Kinds: sim.Core("configmaps"), New: func(env *explore.Env) (explore.Process, error) { env.External("s3"); return idle(env) }, Script: []explore.Step{create}},
			`asks for the external system "s3"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := explore.Explore(t, test.c)
			require.ErrorContains(t, err, test.want)
		})
	}
}

func TestUnstructuredWithoutAnObject(t *testing.T) {
	_, err := explore.Explore(t, explore.Case[*unstructured.Unstructured]{Kinds: sim.Core("configmaps"), New: idle, Script: []explore.Step{explore.Delete("a")}})
	require.ErrorContains(t, err, "their kind is not known")
}

// An operator that writes for ever is named, with what it writes.
func TestNeverSettles(t *testing.T) {
	ticking := func(l *loop, ctx context.Context, key cache.ObjectName) error {
		cm, err := l.maps.ConfigMaps(key.Namespace).Get(key.Name)
		if err != nil {
			return ignoreNotFound(err)
		}
		cm = cm.DeepCopy()
		metav1.SetMetaDataAnnotation(&cm.ObjectMeta, "example.com/seen", time.Now().String())
		_, err = l.client.CoreV1().ConfigMaps(key.Namespace).Update(ctx, cm, metav1.UpdateOptions{})
		l.queue.AddAfter(key, time.Minute)
		return err
	}
	c := mapCase{
		Kinds: sim.Core("configmaps", "secrets"), Script: []explore.Step{explore.Create(configMap("a", "k", "1"))},
		New: func(env *explore.Env) (explore.Process, error) { return newLoop(env, slowly(ticking)) },
	}
	_, err := explore.Explore(t, c)
	require.ErrorContains(t, err, "the operator never settles")
	require.ErrorContains(t, err, "update configmaps default/a")
	require.ErrorContains(t, err, "metadata.annotations.example.com/seen")

	c.Mask = []string{"metadata.annotations.example.com/seen"}
	result, err := explore.Explore(t, c)
	require.NoError(t, err, "what is masked is no change")
	require.Empty(t, result.Failures, "%s", result)
}

// slowly lets an operator that wakes itself do so once a minute.
func slowly(reconcile func(*loop, context.Context, cache.ObjectName) error) func(*loop, context.Context, cache.ObjectName) error {
	var last time.Time
	return func(l *loop, ctx context.Context, key cache.ObjectName) error {
		if since := time.Since(last); since >= 0 && since < time.Minute {
			l.queue.AddAfter(key, time.Minute-since)
			return nil
		}
		last = time.Now()
		return reconcile(l, ctx, key)
	}
}

func TestProcessThatDoesNotEnd(t *testing.T) {
	_, err := explore.Explore(t, mapCase{
		Kinds: sim.Core("configmaps"), Script: []explore.Step{explore.Create(configMap("a", "k", "1"))},
		New: func(*explore.Env) (explore.Process, error) {
			return explore.RunFunc(func(ctx context.Context) error {
				<-ctx.Done()
				time.Sleep(10 * time.Minute)
				return nil
			}), nil
		},
	})
	require.ErrorContains(t, err, "Run has not returned a minute after its ctx ended")
}

func TestGoroutineThatStays(t *testing.T) {
	_, err := explore.Explore(t, mapCase{
		Kinds: sim.Core("configmaps"), Script: []explore.Step{explore.Create(configMap("a", "k", "1"))},
		New: func(*explore.Env) (explore.Process, error) {
			never := make(chan int)
			go func() { <-never }()
			return idle(nil)
		},
	})
	require.ErrorContains(t, err, "goroutines of the operator are still there after it has ended, and wait for ever: they were made by github.com/kuberator/kuberator/test/explore_test.TestGoroutineThatStays")
}

func TestPlansAreText(t *testing.T) {
	text := "create secrets default/a-* #2: committed+crash; s3: put default/a: rejected-500; step 1: gap"
	plan, err := explore.ParsePlan(text)
	require.NoError(t, err)
	require.Equal(t, explore.Plan{
		{"create secrets default/a-* #2", explore.CommittedCrash}, {"s3: put default/a", explore.Rejected500}, {"step 1", explore.Gap},
	}, plan)
	require.Equal(t, text, plan.String())
	plan, err = explore.ParsePlan("none")
	require.NoError(t, err)
	require.Empty(t, plan)
	require.Equal(t, "none", plan.String())
	for text, want := range map[string]string{
		"":                         `"" is no fault`,
		"create secrets a":         `"create secrets a" is no fault`,
		"create secrets a:":        `"" does not happen at a write`,
		"create secrets a: gap":    `"gap" does not happen at a write; what does: [not-sent+crash`,
		"step 1: stale":            "does not happen at a step; what does: [gap revert]",
		"step 0: gap":              `"gap" does not happen at a write`,
		"create a: stale;; b: gap": `"" is no fault`,
	} {
		_, err := explore.ParsePlan(text)
		require.ErrorContains(t, err, fmt.Sprintf("plan %q", text))
		require.ErrorContains(t, err, want)
	}
}
