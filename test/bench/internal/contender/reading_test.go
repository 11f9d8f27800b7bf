package contender_test

import (
	"reflect"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/kuberator/kuberator/test/bench/internal/contender"
	"github.com/kuberator/kuberator/test/bench/internal/widget"
	"github.com/kuberator/kuberator/test/sim"
)

// TestReading checks who copies a Widget that is only read: neither the floor, nor who is tuned. What was read twice, without
// a change between, then has the same map.
func TestReading(t *testing.T) {
	for name, c := range map[string]struct {
		make   contender.References
		copies bool
	}{
		"kuberator":                {contender.KuberatorReferences, true},
		"client-go":                {contender.ClientGoReferences, false},
		"controller-runtime":       {contender.RuntimeReferences(contender.RuntimeOptions{}), true},
		"controller-runtime-tuned": {contender.RuntimeReferences(contender.RuntimeOptions{Tuned: true}), false},
	} {
		t.Run(name, func(t *testing.T) {
			if first, second := readTwice(t, c.make); (first != second) != c.copies {
				t.Errorf("the maps are at %x and %x, copies are expected: %t", first, second, c.copies)
			}
		})
	}
}

// readTwice returns where the settings of a Widget were that an operator looked at, and looked at again because a ConfigMap
// changed.
func readTwice(t *testing.T, makeOp contender.References) (first, second uintptr) {
	t.Helper()
	srv, err := sim.New(sim.Options{Kinds: append(sim.Core("configmaps"), sim.CRD(widget.CRD)...)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Close)
	cfg := srv.Config()
	cfg.QPS = -1
	maps := kubernetes.NewForConfigOrDie(cfg).CoreV1().ConfigMaps("default")
	createWidget(t, srv)
	team := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "red", Labels: map[string]string{contender.Team: "red"}}, Data: map[string]string{contender.Revision: "1"}}
	if _, err := maps.Create(t.Context(), team, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	type look struct {
		settings map[string]string // kept, so that there is nothing else in its place
		revision string
	}
	looks := make(chan look, 100)
	op, err := makeOp(cfg, func(w *widget.Widget, revision string) { looks <- look{w.Spec.Settings, revision} })
	if err != nil {
		t.Fatal(err)
	}
	run(t, op)
	await := func(revision string) map[string]string {
		for l := range looks {
			if l.revision == revision {
				return l.settings
			}
		}
		return nil
	}
	one := await("1")
	if _, err := maps.Patch(t.Context(), "red", types.MergePatchType, []byte(`{"data":{"revision":"2"}}`), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	two := await("2")
	return reflect.ValueOf(one).Pointer(), reflect.ValueOf(two).Pointer()
}
