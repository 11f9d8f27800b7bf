package configmirror

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kuberator/kuberator/example/configmirror/api/v1alpha1"
	"github.com/kuberator/kuberator/test/fault"
)

// What a change leads to, it leads to at once: no test here waits for a timer but to
// see that nothing more happens.

// kind is what is copied.
type kind struct {
	name, resource string
	// at returns an object in a namespace, of a colour.
	at func(namespace, colour string) object
	// from makes a mirror copy the object of that name.
	from func(s *v1alpha1.ConfigMirrorSpec, namespace, name string)
}

func secret(namespace, colour string) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "settings"},
		Type:       corev1.SecretTypeOpaque, Data: map[string][]byte{"colour": []byte(colour)},
	}
}

// eachKind tells the story of a mirror that has one copy of the kind, in namespace
// web, and is settled.
func eachKind(t *testing.T, story func(t *testing.T, w *world, k kind)) {
	t.Helper()
	for _, k := range []kind{
		{
			"ConfigMap", "configmaps", func(namespace, colour string) object { return configMap(namespace, colour) },
			func(s *v1alpha1.ConfigMirrorSpec, namespace, name string) {
				s.Source = v1alpha1.Source{Namespace: namespace, Name: name}
			},
		},
		{
			"Secret", "secrets", func(namespace, colour string) object { return secret(namespace, colour) },
			func(s *v1alpha1.ConfigMirrorSpec, namespace, name string) {
				s.Secret = &v1alpha1.SecretSource{Namespace: namespace, Name: name}
			},
		},
	} {
		t.Run(k.name, func(t *testing.T) {
			operate(t, []object{secret("shop", "blue")}, func(t *testing.T, w *world) {
				w.edit(t, func(s *v1alpha1.ConfigMirrorSpec) { k.from(s, "shop", "settings") })
				require.Equal(t, "blue", w.colour(t, k, "web"))
				w.forget()
				story(t, w, k)
				time.Sleep(10 * time.Minute) // longer than the longest backoff
				synctest.Wait()
				require.Empty(t, w.writes(), "it never settles")
			})
		})
	}
}

// forget makes writes and reconciled begin now.
func (w *world) forget() {
	w.writes()
	w.reconciled()
}

// colour returns that of the object in a namespace, or none if there is no object.
func (w *world) colour(t *testing.T, k kind, namespace string) string {
	t.Helper()
	switch obj := w.get(t, k.at(namespace, "")).(type) {
	case *corev1.ConfigMap:
		return obj.Data["colour"]
	case *corev1.Secret:
		return string(obj.Data["colour"])
	default:
		return ""
	}
}

// is checks the status.
func (w *world) is(t *testing.T, reason string, copies int32) {
	t.Helper()
	s := w.mirror(t).Status
	require.Equal(t, reason, s.Conditions[0].Reason, s.Conditions[0].Message)
	require.Equal(t, copies, s.Copies)
}

// copies is how many there are of all kinds in that many namespaces.
func (k kind) copies(namespaces int32) int32 {
	if k.name == "Secret" {
		return 2 * namespaces // for there is the ConfigMap too
	}
	return namespaces
}

// each returns the writes to what there is of all kinds in a namespace.
func (k kind) each(verb, namespace string) []string {
	writes := []string{verb + " configmaps in " + namespace}
	if k.name == "Secret" {
		writes = append(writes, verb+" secrets in "+namespace)
	}
	return writes
}

func TestCopiesFollowTheirSource(t *testing.T) {
	eachKind(t, func(t *testing.T, w *world, k kind) {
		w.put(t, k.at("shop", "green"))
		require.Equal(t, "green", w.colour(t, k, "web"))
		require.Equal(t, []string{"patch " + k.resource + " in web"}, w.writes())

		w.remove(t, k.at("shop", ""))
		w.is(t, v1alpha1.ReasonSourceNotFound, k.copies(1))
		require.Equal(t, "green", w.colour(t, k, "web"), "it is kept")
		require.Equal(t, []string{"patch configmirrors/status"}, w.writes())

		w.put(t, k.at("shop", "red"))
		w.is(t, v1alpha1.ReasonMirrored, k.copies(1))
		require.Equal(t, "red", w.colour(t, k, "web"))
		require.Equal(t, []string{"patch " + k.resource + " in web", "patch configmirrors/status"}, w.writes())
	})
}

func TestSourceThatComesLater(t *testing.T) {
	eachKind(t, func(t *testing.T, w *world, k kind) {
		w.edit(t, func(s *v1alpha1.ConfigMirrorSpec) { k.from(s, "shop", "later") })
		w.is(t, v1alpha1.ReasonSourceNotFound, k.copies(1)-1)
		require.Empty(t, w.colour(t, k, "web"), "the copy of what is no source any more")
		require.Equal(t, []string{"delete " + k.resource + " in web", "patch configmirrors/status"}, w.writes())

		later := k.at("shop", "late")
		later.SetName("later")
		w.put(t, later)
		w.is(t, v1alpha1.ReasonMirrored, k.copies(1))
		require.Equal(t, []string{"create " + k.resource + " in web", "patch configmirrors/status"}, w.writes())
	})
}

// TestSourceThatTheCacheDoesNotHave has a source that no event has told of. Kills: a
// status that says that it is missing.
func TestSourceThatTheCacheDoesNotHave(t *testing.T) {
	eachKind(t, func(t *testing.T, w *world, k kind) {
		later := k.at("shop", "late")
		later.SetName("later")
		w.process.Watches(k.resource).Hold()
		w.put(t, later)
		w.edit(t, func(s *v1alpha1.ConfigMirrorSpec) { k.from(s, "shop", "later") })
		w.is(t, v1alpha1.ReasonMirrored, k.copies(1))
		require.Equal(t, []string{
			"delete " + k.resource + " in web", "create " + k.resource + " in web", "patch configmirrors/status",
		}, w.writes())
		w.process.Watches(k.resource).Release()
	})
}

// TestCopyThatBecomesTheSource has the spec name a copy as what to copy.
func TestCopyThatBecomesTheSource(t *testing.T) {
	eachKind(t, func(t *testing.T, w *world, k kind) {
		w.edit(t, func(s *v1alpha1.ConfigMirrorSpec) { k.from(s, "web", "settings") })
		w.is(t, v1alpha1.ReasonMirrored, k.copies(1)-1)
		require.Equal(t, "blue", w.colour(t, k, "web"), "it is kept")
		require.Equal(t, []string{"patch configmirrors/status"}, w.writes())

		w.put(t, namespace("web", nil))
		require.Equal(t, "blue", w.colour(t, k, "web"), "it is kept where no copy is wanted, too")
		w.forget()
	})
}

func TestCopyThatSomebodyChangesOrDeletes(t *testing.T) {
	eachKind(t, func(t *testing.T, w *world, k kind) {
		changed := k.at("web", "red")
		mark(changed, w.mirror(t))
		w.put(t, changed)
		require.Equal(t, "blue", w.colour(t, k, "web"))
		require.Equal(t, []string{"patch " + k.resource + " in web"}, w.writes())

		w.remove(t, k.at("web", ""))
		require.Equal(t, "blue", w.colour(t, k, "web"))
		require.Equal(t, []string{"create " + k.resource + " in web"}, w.writes())
	})
}

// TestCopyThatCannotBeChanged has a copy that was made immutable, which a finalizer
// then keeps from being made anew.
func TestCopyThatCannotBeChanged(t *testing.T) {
	eachKind(t, func(t *testing.T, w *world, k kind) {
		fixed := k.at("web", "red")
		mark(fixed, w.mirror(t))
		switch obj := fixed.(type) {
		case *corev1.ConfigMap:
			obj.Immutable = new(true)
		case *corev1.Secret:
			obj.Immutable = new(true)
		}
		w.put(t, fixed)
		require.Equal(t, "blue", w.colour(t, k, "web"))
		require.Equal(t, []string{"delete " + k.resource + " in web", "create " + k.resource + " in web"}, w.writes())

		fixed.SetFinalizers([]string{"example.com/keeps"})
		w.put(t, fixed)
		time.Sleep(time.Second)
		w.is(t, v1alpha1.ReasonFailed, k.copies(1)-1)
		require.Contains(t, w.mirror(t).Status.LastError, k.name+" web/settings must be made anew, and a finalizer keeps it")
		require.Equal(t, []string{"delete " + k.resource + " in web", "create " + k.resource + " in web", "patch configmirrors/status"}, w.writes())

		fixed.SetFinalizers(nil)
		w.put(t, fixed)
		time.Sleep(10 * time.Minute)
		w.is(t, v1alpha1.ReasonMirrored, k.copies(1))
		require.Equal(t, "blue", w.colour(t, k, "web"))
		require.Equal(t, []string{"create " + k.resource + " in web", "patch configmirrors/status"}, w.writes())
	})
}

// TestSecretOfAnotherType has the spec name another source, whose type the copy cannot
// get, and a finalizer keep the copy from being made anew.
func TestSecretOfAnotherType(t *testing.T) {
	operate(t, nil, func(t *testing.T, w *world) {
		for namespace, secretType := range map[string]corev1.SecretType{"shop": "example.com/a", "elsewhere": "example.com/b"} {
			source := secret(namespace, "blue")
			source.Type = secretType
			w.put(t, source)
		}
		from := func(namespace string) {
			w.edit(t, func(s *v1alpha1.ConfigMirrorSpec) {
				s.Secret = &v1alpha1.SecretSource{Namespace: namespace, Name: "settings"}
			})
		}
		copied := func() *corev1.Secret { return w.get(t, secret("web", "")).(*corev1.Secret) }
		from("shop")
		require.EqualValues(t, "example.com/a", copied().Type)
		w.forget()

		from("elsewhere")
		w.is(t, v1alpha1.ReasonMirrored, 2)
		require.EqualValues(t, "example.com/b", copied().Type)
		require.Equal(t, []string{"delete secrets in web", "create secrets in web", "patch configmirrors/status"}, w.writes())

		kept := copied()
		kept.Finalizers = []string{"example.com/keeps"}
		w.put(t, kept)
		from("shop")
		time.Sleep(time.Second)
		w.is(t, v1alpha1.ReasonFailed, 1)
		require.Contains(t, w.mirror(t).Status.LastError, "Secret web/settings must be made anew, and a finalizer keeps it")
		require.Equal(t, []string{"delete secrets in web", "create secrets in web", "patch configmirrors/status"}, w.writes())

		kept = copied()
		kept.Finalizers = nil
		w.put(t, kept)
		time.Sleep(10 * time.Minute)
		w.is(t, v1alpha1.ReasonMirrored, 2)
		require.EqualValues(t, "example.com/a", copied().Type)
		require.Equal(t, []string{"create secrets in web", "patch configmirrors/status"}, w.writes())
	})
}

// TestCopyTakenOver takes the label off a copy, puts it back, takes it off again, and
// deletes what was a copy.
func TestCopyTakenOver(t *testing.T) {
	eachKind(t, func(t *testing.T, w *world, k kind) {
		w.put(t, k.at("web", "theirs"))
		w.is(t, v1alpha1.ReasonConflict, k.copies(1)-1)
		require.Equal(t, []string{k.name + " web/settings"}, w.mirror(t).Status.Conflicts)
		require.Equal(t, []string{"patch configmirrors/status"}, w.writes())

		returned := k.at("web", "theirs")
		mark(returned, w.mirror(t))
		w.put(t, returned)
		w.is(t, v1alpha1.ReasonMirrored, k.copies(1))
		require.Equal(t, "blue", w.colour(t, k, "web"))
		require.Equal(t, []string{"patch " + k.resource + " in web", "patch configmirrors/status"}, w.writes())

		w.put(t, k.at("web", "theirs"))
		require.Equal(t, "theirs", w.colour(t, k, "web"))
		require.Equal(t, []string{"patch configmirrors/status"}, w.writes())

		w.remove(t, k.at("web", ""))
		w.is(t, v1alpha1.ReasonMirrored, k.copies(1))
		require.Equal(t, "blue", w.colour(t, k, "web"))
		require.Equal(t, []string{"create " + k.resource + " in web", "patch configmirrors/status"}, w.writes())
	})
}

// TestForeignObjectThatGoesBeforeTheStatusNamesIt deletes the object that is in the
// way while the status is being written. Kills: a dependency that is entered when
// the attempt has ended.
func TestForeignObjectThatGoesBeforeTheStatusNamesIt(t *testing.T) {
	eachKind(t, func(t *testing.T, w *world, k kind) {
		w.race(t, "patch", "configmirrors.mirror.kuberator.dev/status", func() error {
			return w.drop(t, k.at("web", ""))
		})
		w.put(t, k.at("web", "theirs"))
		w.is(t, v1alpha1.ReasonMirrored, k.copies(1))
		require.Equal(t, []string{
			"patch configmirrors/status", "create " + k.resource + " in web", "patch configmirrors/status",
		}, w.writes())
	})
}

// TestLabelledObjectsAreTheMirrors puts the label of the mirror on objects that are
// no copies of its: the label is what makes them its to delete, wherever they are.
func TestLabelledObjectsAreTheMirrors(t *testing.T) {
	eachKind(t, func(t *testing.T, w *world, k kind) {
		given := k.at("elsewhere", "blue")
		mark(given, w.mirror(t))
		w.put(t, given)
		require.Nil(t, w.get(t, given))
		require.Equal(t, []string{"delete " + k.resource + " in elsewhere"}, w.writes())
	})
}

func TestNamespacesThatComeAndGo(t *testing.T) {
	eachKind(t, func(t *testing.T, w *world, k kind) {
		selected := map[string]string{"team": "web"}
		w.put(t, namespace("other", nil))
		attempts, _ := w.reconciled()
		require.Zero(t, attempts, "it is not selected")

		w.put(t, namespace("other", selected))
		require.Equal(t, "blue", w.colour(t, k, "other"))
		w.is(t, v1alpha1.ReasonMirrored, k.copies(2))
		w.put(t, namespace("other", map[string]string{"team": "shop"}))
		require.Empty(t, w.colour(t, k, "other"))
		w.is(t, v1alpha1.ReasonMirrored, k.copies(1))
		w.put(t, namespace("other", selected))
		require.Equal(t, "blue", w.colour(t, k, "other"))
		w.is(t, v1alpha1.ReasonMirrored, k.copies(2))

		w.remove(t, namespace("other", nil))
		require.Empty(t, w.colour(t, k, "other"))
		w.is(t, v1alpha1.ReasonMirrored, k.copies(1))
		require.NotNil(t, w.get(t, namespace("other", nil)), "it is still going")
		w.forget()
		time.Sleep(time.Second)
		require.Nil(t, w.get(t, namespace("other", nil)))
		require.Empty(t, w.writes())

		w.put(t, namespace("other", selected))
		require.Equal(t, "blue", w.colour(t, k, "other"))
		w.is(t, v1alpha1.ReasonMirrored, k.copies(2))
		w.writes()
	})
}

// TestChangesThatDoNotMatter changes what no Apply reads. Kills: a namespace that
// leads to an Apply by anything but its labels and its deletion.
func TestChangesThatDoNotMatter(t *testing.T) {
	eachKind(t, func(t *testing.T, w *world, k kind) {
		web := namespace("web", map[string]string{"team": "web"})
		web.Annotations = map[string]string{"contact": "somebody"}
		w.put(t, web)
		another := k.at("web", "red")
		another.SetName("another")
		sameName := k.at("elsewhere", "red")
		othersCopy := k.at("elsewhere", "blue")
		othersCopy.SetLabels(map[string]string{LabelMirror: "uid-of-another-mirror"})
		for _, obj := range []object{another, sameName, othersCopy} {
			w.put(t, obj)
			w.remove(t, obj)
		}
		attempts, _ := w.reconciled()
		require.Zero(t, attempts)
	})
}

// TestForeignObjectThatTheCacheDoesNotHave creates an object just before the copy is
// created. Kills: an answer of the server that is taken for a failure, or for a copy.
func TestForeignObjectThatTheCacheDoesNotHave(t *testing.T) {
	eachKind(t, func(t *testing.T, w *world, k kind) {
		w.race(t, "create", k.resource, func() error { return w.add(t, k.at("other", "theirs")) })
		w.put(t, namespace("other", map[string]string{"team": "web"}))
		w.is(t, v1alpha1.ReasonConflict, k.copies(2)-1)
		require.Equal(t, "theirs", w.colour(t, k, "other"))
		_, failures := w.reconciled()
		require.Empty(t, failures)

		w.remove(t, k.at("other", ""))
		w.is(t, v1alpha1.ReasonMirrored, k.copies(2))
		require.Equal(t, "blue", w.colour(t, k, "other"))
		w.forget()
	})
}

// TestSomebodyWasFaster has the cache be behind at each kind of write. Kills: a
// status that tells of what is over when it is read.
func TestSomebodyWasFaster(t *testing.T) {
	for name, somebody := range map[string]func(t *testing.T, w *world, k kind){
		"creates the copy": func(t *testing.T, w *world, k kind) {
			ours := k.at("other", "blue")
			mark(ours, w.mirror(t))
			w.race(t, "create", k.resource, func() error { return w.add(t, ours) })
			w.put(t, namespace("other", map[string]string{"team": "web"}))
			w.retried(t)
			w.is(t, v1alpha1.ReasonMirrored, k.copies(2))
			require.Equal(t, append(k.each("create", "other"), "patch configmirrors/status"), w.writes())
		},
		"changes the copy": func(t *testing.T, w *world, k kind) {
			changed := k.at("web", "red")
			mark(changed, w.mirror(t))
			w.race(t, "patch", k.resource, func() error { return w.replace(t, changed) })
			w.put(t, k.at("shop", "green"))
			w.retried(t)
			require.Equal(t, "green", w.colour(t, k, "web"))
			require.Equal(t, []string{"patch " + k.resource + " in web", "patch " + k.resource + " in web"}, w.writes())
		},
		"deletes the copy": func(t *testing.T, w *world, k kind) {
			w.race(t, "patch", k.resource, func() error { return w.drop(t, k.at("web", "")) })
			w.put(t, k.at("shop", "green"))
			w.retried(t)
			require.Equal(t, "green", w.colour(t, k, "web"))
			require.Equal(t, []string{"patch " + k.resource + " in web", "create " + k.resource + " in web"}, w.writes())
		},
		"takes the copy over": func(t *testing.T, w *world, k kind) {
			w.race(t, "delete", k.resource, func() error { return w.replace(t, k.at("web", "theirs")) })
			w.put(t, namespace("web", nil))
			w.retried(t)
			w.is(t, v1alpha1.ReasonMirrored, 0)
			require.Equal(t, "theirs", w.colour(t, k, "web"))
			require.Equal(t, append(k.each("delete", "web"), "patch configmirrors/status"), w.writes())
		},
	} {
		t.Run(name, func(t *testing.T) { eachKind(t, somebody) })
	}
}

// TestFailureBesideARace has the cache be behind in one namespace and a failure in
// another. Kills: a status that keeps silent about what is not over.
func TestFailureBesideARace(t *testing.T) {
	eachKind(t, func(t *testing.T, w *world, k kind) {
		w.put(t, namespace("other", map[string]string{"team": "web"}))
		changed := k.at("other", "red")
		mark(changed, w.mirror(t))
		w.race(t, "patch", k.resource, func() error { return w.replace(t, changed) })
		w.suffer(t, fault.On("patch", k.resource).In("web").Times(1).Then(diskFull()))
		w.put(t, k.at("shop", "green"))
		w.is(t, v1alpha1.ReasonFailed, k.copies(2)-2)
		require.Contains(t, w.mirror(t).Status.LastError, `disk\nfull`)
		require.NotContains(t, w.mirror(t).Status.LastError, "modified")

		time.Sleep(10 * time.Minute)
		w.is(t, v1alpha1.ReasonMirrored, k.copies(2))
		require.Equal(t, "green", w.colour(t, k, "other"))
		require.Equal(t, "green", w.colour(t, k, "web"))
		w.forget()
	})
}
