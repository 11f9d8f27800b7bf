package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/example/configmirror"
	"github.com/kuberator/kuberator/example/configmirror/api/v1alpha1"
)

// team is the label that the mirrors of these tests select namespaces by.
const team = "example.com/team"

// world is what one test has in the cluster: one ConfigMirror of its name, and
// namespaces whose names begin with it. They are deleted with the test.
type world struct {
	t    *testing.T
	name string
}

func newWorld(t *testing.T, name string) *world {
	w := &world{t: t, name: fmt.Sprintf("%s-%d", name, env.worlds.Add(1))}
	w.namespace("source", nil)
	return w
}

// full returns the full name of a namespace.
func (w *world) full(namespace string) string { return w.name + "-" + namespace }

// joined are the labels of a namespace that the mirror selects.
func (w *world) joined() map[string]string { return map[string]string{team: w.name} }

func (w *world) namespace(name string, labels map[string]string) {
	w.t.Helper()
	namespaces := env.client.CoreV1().Namespaces()
	obj := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.full(name), Labels: labels}}
	_, err := namespaces.Create(w.t.Context(), obj, metav1.CreateOptions{})
	require.NoError(w.t, err)
	w.t.Cleanup(func() {
		err := namespaces.Delete(context.WithoutCancel(w.t.Context()), obj.Name, metav1.DeleteOptions{})
		require.True(w.t, err == nil || apierrors.IsNotFound(err), "%v", err)
	})
}

// label sets the team of a namespace, or takes it off if it is empty.
func (w *world) label(namespace, value string) {
	w.t.Helper()
	var set any
	if value != "" {
		set = value
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"labels": map[string]any{team: set}}})
	require.NoError(w.t, err)
	_, err = env.client.CoreV1().Namespaces().Patch(w.t.Context(), w.full(namespace), types.MergePatchType, patch, metav1.PatchOptions{})
	require.NoError(w.t, err)
}

// configMap creates or replaces ConfigMap "settings" in a namespace.
func (w *world) configMap(namespace string, data map[string]string) {
	w.t.Helper()
	maps := env.client.CoreV1().ConfigMaps(w.full(namespace))
	obj := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "settings"}, Data: data, BinaryData: map[string][]byte{"binary": {0, 255}}}
	_, err := maps.Create(w.t.Context(), obj, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		_, err = maps.Update(w.t.Context(), obj, metav1.UpdateOptions{})
	}
	require.NoError(w.t, err)
}

// secret makes Secret "password" in the source namespace. If it has another type it
// is made anew, for that cannot be changed.
func (w *world) secret(kind corev1.SecretType, value string) {
	w.t.Helper()
	secrets := env.client.CoreV1().Secrets(w.full("source"))
	obj := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "password"}, Type: kind, Data: map[string][]byte{
		corev1.BasicAuthPasswordKey: []byte(value),
	}}
	found, err := secrets.Get(w.t.Context(), obj.Name, metav1.GetOptions{})
	if err == nil && found.Type == kind {
		_, err = secrets.Update(w.t.Context(), obj, metav1.UpdateOptions{})
		require.NoError(w.t, err)
		return
	}
	if err == nil {
		require.NoError(w.t, secrets.Delete(w.t.Context(), obj.Name, metav1.DeleteOptions{}))
	}
	_, err = secrets.Create(w.t.Context(), obj, metav1.CreateOptions{})
	require.NoError(w.t, err)
}

// mirror creates the mirror of the test, after edit has changed it.
func (w *world) mirror(edit func(*v1alpha1.ConfigMirrorSpec)) *v1alpha1.ConfigMirror {
	w.t.Helper()
	obj := &v1alpha1.ConfigMirror{
		ObjectMeta: metav1.ObjectMeta{Name: w.name},
		Spec: v1alpha1.ConfigMirrorSpec{
			Source:            v1alpha1.Source{Namespace: w.full("source"), Name: "settings"},
			NamespaceSelector: metav1.LabelSelector{MatchLabels: w.joined()},
		},
	}
	if edit != nil {
		edit(&obj.Spec)
	}
	obj, err := env.mirrors.Create(w.t.Context(), obj)
	require.NoError(w.t, err)
	return obj
}

// edit changes the spec of the mirror.
func (w *world) edit(change func(*v1alpha1.ConfigMirrorSpec)) {
	w.t.Helper()
	eventually(w.t, func(ctx context.Context) error {
		before, err := w.get(ctx)
		if err != nil {
			return err
		}
		after := before.DeepCopy()
		change(&after.Spec)
		_, err = env.mirrors.Update(ctx, before, after)
		return err
	})
}

func (w *world) get(ctx context.Context) (*v1alpha1.ConfigMirror, error) {
	return env.mirrors.Get(ctx, types.NamespacedName{Name: w.name})
}

// copies checks that there are equal copies in these namespaces and no others.
func (w *world) copies(namespaces ...string) func(context.Context) error {
	return func(ctx context.Context) error {
		source, err := env.client.CoreV1().ConfigMaps(w.full("source")).Get(ctx, "settings", metav1.GetOptions{})
		if err != nil {
			return err
		}
		list, err := env.client.CoreV1().ConfigMaps("").List(ctx, metav1.ListOptions{LabelSelector: configmirror.LabelMirror})
		if err != nil {
			return err
		}
		found := map[string]bool{}
		for _, item := range list.Items {
			found[item.Namespace] = true
			if !equality.Semantic.DeepEqual(item.Data, source.Data) || !equality.Semantic.DeepEqual(item.BinaryData, source.BinaryData) {
				return fmt.Errorf("the copy in %s is %v, the source %v", item.Namespace, item.Data, source.Data)
			}
		}
		return w.same(found, namespaces)
	}
}

// secrets is like copies, for the Secret.
func (w *world) secrets(namespaces ...string) func(context.Context) error {
	return func(ctx context.Context) error {
		source, err := env.client.CoreV1().Secrets(w.full("source")).Get(ctx, "password", metav1.GetOptions{})
		if err != nil {
			return err
		}
		list, err := env.client.CoreV1().Secrets("").List(ctx, metav1.ListOptions{LabelSelector: configmirror.LabelMirror})
		if err != nil {
			return err
		}
		found := map[string]bool{}
		for _, item := range list.Items {
			found[item.Namespace] = true
			if item.Type != source.Type || !equality.Semantic.DeepEqual(item.Data, source.Data) {
				return fmt.Errorf("the Secret in %s is not that of the source", item.Namespace)
			}
		}
		return w.same(found, namespaces)
	}
}

func (w *world) same(found map[string]bool, namespaces []string) error {
	want := make([]string, 0, len(namespaces))
	for _, namespace := range namespaces {
		want = append(want, w.full(namespace))
	}
	if got := slices.Sorted(maps.Keys(found)); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		return fmt.Errorf("there are copies in %q, not in %q", got, want)
	}
	return nil
}
