package configmirror

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kuberator/kuberator/example/configmirror/api/v1alpha1"
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
func eachKind(t *testing.T, story func(t *testing.T, f *fakes, k kind)) {
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
			operate(t, []runtime.Object{secret("shop", "blue")}, func(t *testing.T, f *fakes) {
				f.edit(t, func(s *v1alpha1.ConfigMirrorSpec) { k.from(s, "shop", "settings") })
				require.Equal(t, "blue", f.colour(t, k, "web"))
				f.forget()
				story(t, f, k)
				time.Sleep(10 * time.Minute) // longer than the longest backoff
				synctest.Wait()
				require.Empty(t, f.writes(), "it never settles")
			})
		})
	}
}

// forget makes writes and reconciled begin now.
func (f *fakes) forget() {
	f.writes()
	f.reconciled()
}

// colour returns that of the object in a namespace, or none if there is no object.
func (f *fakes) colour(t *testing.T, k kind, namespace string) string {
	t.Helper()
	switch obj := f.get(t, k.at(namespace, "")).(type) {
	case *corev1.ConfigMap:
		return obj.Data["colour"]
	case *corev1.Secret:
		return string(obj.Data["colour"])
	default:
		return ""
	}
}

// is checks the status.
func (f *fakes) is(t *testing.T, reason string, copies int32) {
	t.Helper()
	s := f.mirror(t).Status
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
	eachKind(t, func(t *testing.T, f *fakes, k kind) {
		f.put(t, k.at("shop", "green"))
		require.Equal(t, "green", f.colour(t, k, "web"))
		require.Equal(t, []string{"patch " + k.resource + " in web"}, f.writes())

		f.remove(t, k.at("shop", ""))
		f.is(t, v1alpha1.ReasonSourceNotFound, k.copies(1))
		require.Equal(t, "green", f.colour(t, k, "web"), "it is kept")
		require.Equal(t, []string{"patch configmirrors/status"}, f.writes())

		f.put(t, k.at("shop", "red"))
		f.is(t, v1alpha1.ReasonMirrored, k.copies(1))
		require.Equal(t, "red", f.colour(t, k, "web"))
		require.Equal(t, []string{"patch " + k.resource + " in web", "patch configmirrors/status"}, f.writes())
	})
}

func TestSourceThatComesLater(t *testing.T) {
	eachKind(t, func(t *testing.T, f *fakes, k kind) {
		f.edit(t, func(s *v1alpha1.ConfigMirrorSpec) { k.from(s, "shop", "later") })
		f.is(t, v1alpha1.ReasonSourceNotFound, k.copies(1)-1)
		require.Empty(t, f.colour(t, k, "web"), "the copy of what is no source any more")
		require.Equal(t, []string{"delete " + k.resource + " in web", "patch configmirrors/status"}, f.writes())

		later := k.at("shop", "late")
		later.SetName("later")
		f.put(t, later)
		f.is(t, v1alpha1.ReasonMirrored, k.copies(1))
		require.Equal(t, []string{"create " + k.resource + " in web", "patch configmirrors/status"}, f.writes())
	})
}

// TestSourceThatTheCacheDoesNotHave has a source that no event has told of. Kills: a
// status that says that it is missing.
func TestSourceThatTheCacheDoesNotHave(t *testing.T) {
	eachKind(t, func(t *testing.T, f *fakes, k kind) {
		f.PrependReactor("get", k.resource, func(action clienttesting.Action) (bool, runtime.Object, error) {
			return action.(clienttesting.GetAction).GetName() == "later", k.at("shop", "late"), nil
		})
		f.edit(t, func(s *v1alpha1.ConfigMirrorSpec) { k.from(s, "shop", "later") })
		f.is(t, v1alpha1.ReasonMirrored, k.copies(1))
		require.Equal(t, []string{
			"delete " + k.resource + " in web", "create " + k.resource + " in web", "patch configmirrors/status",
		}, f.writes())
	})
}

// TestCopyThatBecomesTheSource has the spec name a copy as what to copy.
func TestCopyThatBecomesTheSource(t *testing.T) {
	eachKind(t, func(t *testing.T, f *fakes, k kind) {
		f.edit(t, func(s *v1alpha1.ConfigMirrorSpec) { k.from(s, "web", "settings") })
		f.is(t, v1alpha1.ReasonMirrored, k.copies(1)-1)
		require.Equal(t, "blue", f.colour(t, k, "web"), "it is kept")
		require.Equal(t, []string{"patch configmirrors/status"}, f.writes())

		f.put(t, namespace("web", nil))
		require.Equal(t, "blue", f.colour(t, k, "web"), "it is kept where no copy is wanted, too")
		f.forget()
	})
}

func TestCopyThatSomebodyChangesOrDeletes(t *testing.T) {
	eachKind(t, func(t *testing.T, f *fakes, k kind) {
		changed := k.at("web", "red")
		mark(changed, f.mirror(t))
		f.put(t, changed)
		require.Equal(t, "blue", f.colour(t, k, "web"))
		require.Equal(t, []string{"patch " + k.resource + " in web"}, f.writes())

		f.remove(t, k.at("web", ""))
		require.Equal(t, "blue", f.colour(t, k, "web"))
		require.Equal(t, []string{"create " + k.resource + " in web"}, f.writes())
	})
}

// TestCopyThatCannotBeChanged has a copy that was made immutable, which a finalizer
// then keeps from being made anew.
func TestCopyThatCannotBeChanged(t *testing.T) {
	eachKind(t, func(t *testing.T, f *fakes, k kind) {
		fixed := k.at("web", "red")
		mark(fixed, f.mirror(t))
		switch obj := fixed.(type) {
		case *corev1.ConfigMap:
			obj.Immutable = new(true)
		case *corev1.Secret:
			obj.Type = corev1.SecretTypeBasicAuth
		}
		f.put(t, fixed.DeepCopyObject().(object))
		require.Equal(t, "blue", f.colour(t, k, "web"))
		require.Equal(t, []string{"delete " + k.resource + " in web", "create " + k.resource + " in web"}, f.writes())

		fixed.SetFinalizers([]string{"example.com/keeps"})
		f.put(t, fixed.DeepCopyObject().(object))
		time.Sleep(time.Second)
		f.is(t, v1alpha1.ReasonFailed, k.copies(1)-1)
		require.Contains(t, f.mirror(t).Status.LastError, k.name+" web/settings must be made anew, and a finalizer keeps it")
		require.Equal(t, []string{"delete " + k.resource + " in web", "create " + k.resource + " in web", "patch configmirrors/status"}, f.writes())

		require.NoError(t, f.objects.ObjectTracker.Delete(resource(t, fixed), "web", "settings"))
		time.Sleep(10 * time.Minute)
		f.is(t, v1alpha1.ReasonMirrored, k.copies(1))
		require.Equal(t, "blue", f.colour(t, k, "web"))
		require.Equal(t, []string{"create " + k.resource + " in web", "patch configmirrors/status"}, f.writes())
	})
}

// TestCopyTakenOver takes the label off a copy, puts it back, takes it off again, and
// deletes what was a copy.
func TestCopyTakenOver(t *testing.T) {
	eachKind(t, func(t *testing.T, f *fakes, k kind) {
		f.put(t, k.at("web", "theirs"))
		f.is(t, v1alpha1.ReasonConflict, k.copies(1)-1)
		require.Equal(t, []string{k.name + " web/settings"}, f.mirror(t).Status.Conflicts)
		require.Equal(t, []string{"patch configmirrors/status"}, f.writes())

		returned := k.at("web", "theirs")
		mark(returned, f.mirror(t))
		f.put(t, returned)
		f.is(t, v1alpha1.ReasonMirrored, k.copies(1))
		require.Equal(t, "blue", f.colour(t, k, "web"))
		require.Equal(t, []string{"patch " + k.resource + " in web", "patch configmirrors/status"}, f.writes())

		f.put(t, k.at("web", "theirs"))
		require.Equal(t, "theirs", f.colour(t, k, "web"))
		require.Equal(t, []string{"patch configmirrors/status"}, f.writes())

		f.remove(t, k.at("web", ""))
		f.is(t, v1alpha1.ReasonMirrored, k.copies(1))
		require.Equal(t, "blue", f.colour(t, k, "web"))
		require.Equal(t, []string{"create " + k.resource + " in web", "patch configmirrors/status"}, f.writes())
	})
}

// TestForeignObjectThatGoesBeforeTheStatusNamesIt deletes the object that is in the
// way while the status is being written. Kills: a dependency that is entered when
// the attempt has ended.
func TestForeignObjectThatGoesBeforeTheStatusNamesIt(t *testing.T) {
	eachKind(t, func(t *testing.T, f *fakes, k kind) {
		race(f.mirrorClient, "patch", "configmirrors/status", func() error {
			return f.drop(t, k.at("web", ""))
		})
		f.put(t, k.at("web", "theirs"))
		f.is(t, v1alpha1.ReasonMirrored, k.copies(1))
		require.Equal(t, []string{
			"patch configmirrors/status", "create " + k.resource + " in web", "patch configmirrors/status",
		}, f.writes())
	})
}

// TestLabelledObjectsAreTheMirrors puts the label of the mirror on objects that are
// no copies of its: the label is what makes them its to delete, wherever they are.
func TestLabelledObjectsAreTheMirrors(t *testing.T) {
	eachKind(t, func(t *testing.T, f *fakes, k kind) {
		given := k.at("elsewhere", "blue")
		mark(given, f.mirror(t))
		f.put(t, given)
		require.Nil(t, f.get(t, given))
		require.Equal(t, []string{"delete " + k.resource + " in elsewhere"}, f.writes())
	})
}

func TestNamespacesThatComeAndGo(t *testing.T) {
	eachKind(t, func(t *testing.T, f *fakes, k kind) {
		selected := map[string]string{"team": "web"}
		f.put(t, namespace("other", nil))
		attempts, _ := f.reconciled()
		require.Zero(t, attempts, "it is not selected")

		f.put(t, namespace("other", selected))
		require.Equal(t, "blue", f.colour(t, k, "other"))
		f.is(t, v1alpha1.ReasonMirrored, k.copies(2))
		f.put(t, namespace("other", map[string]string{"team": "shop"}))
		require.Empty(t, f.colour(t, k, "other"))
		f.is(t, v1alpha1.ReasonMirrored, k.copies(1))
		f.put(t, namespace("other", selected))
		require.Equal(t, "blue", f.colour(t, k, "other"))
		f.is(t, v1alpha1.ReasonMirrored, k.copies(2))

		going := namespace("other", selected)
		going.DeletionTimestamp = new(metav1.Now())
		f.put(t, going)
		require.Empty(t, f.colour(t, k, "other"))
		f.is(t, v1alpha1.ReasonMirrored, k.copies(1))
		f.forget()
		f.remove(t, going)
		require.Empty(t, f.writes())

		f.put(t, namespace("other", selected))
		require.Equal(t, "blue", f.colour(t, k, "other"))
		f.is(t, v1alpha1.ReasonMirrored, k.copies(2))
		f.writes()
	})
}

// TestChangesThatDoNotMatter changes what no Apply reads. Kills: a namespace that
// leads to an Apply by anything but its labels and its deletion.
func TestChangesThatDoNotMatter(t *testing.T) {
	eachKind(t, func(t *testing.T, f *fakes, k kind) {
		web := namespace("web", map[string]string{"team": "web"})
		web.Annotations = map[string]string{"contact": "somebody"}
		f.put(t, web)
		another := k.at("web", "red")
		another.SetName("another")
		sameName := k.at("elsewhere", "red")
		othersCopy := k.at("elsewhere", "blue")
		othersCopy.SetLabels(map[string]string{LabelMirror: "uid-of-another-mirror"})
		for _, obj := range []object{another, sameName, othersCopy} {
			f.put(t, obj)
			f.remove(t, obj)
		}
		attempts, _ := f.reconciled()
		require.Zero(t, attempts)
	})
}

// TestForeignObjectThatTheCacheDoesNotHave creates an object just before the copy is
// created. Kills: an answer of the server that is taken for a failure, or for a copy.
func TestForeignObjectThatTheCacheDoesNotHave(t *testing.T) {
	eachKind(t, func(t *testing.T, f *fakes, k kind) {
		race(&f.Fake, "create", k.resource, func() error { return f.add(t, k.at("other", "theirs")) })
		f.put(t, namespace("other", map[string]string{"team": "web"}))
		f.is(t, v1alpha1.ReasonConflict, k.copies(2)-1)
		require.Equal(t, "theirs", f.colour(t, k, "other"))
		_, failures := f.reconciled()
		require.Empty(t, failures)

		f.remove(t, k.at("other", ""))
		f.is(t, v1alpha1.ReasonMirrored, k.copies(2))
		require.Equal(t, "blue", f.colour(t, k, "other"))
		f.forget()
	})
}

// TestSomebodyWasFaster has the cache be behind at each kind of write. Kills: a
// status that tells of what is over when it is read.
func TestSomebodyWasFaster(t *testing.T) {
	for name, somebody := range map[string]func(t *testing.T, f *fakes, k kind){
		"creates the copy": func(t *testing.T, f *fakes, k kind) {
			ours := k.at("other", "blue")
			mark(ours, f.mirror(t))
			race(&f.Fake, "create", k.resource, func() error { return f.add(t, ours) })
			f.put(t, namespace("other", map[string]string{"team": "web"}))
			f.retried(t)
			f.is(t, v1alpha1.ReasonMirrored, k.copies(2))
			require.Equal(t, append(k.each("create", "other"), "patch configmirrors/status"), f.writes())
		},
		"changes the copy": func(t *testing.T, f *fakes, k kind) {
			changed := k.at("web", "red")
			mark(changed, f.mirror(t))
			race(&f.Fake, "patch", k.resource, func() error { return f.replace(t, changed) })
			f.put(t, k.at("shop", "green"))
			f.retried(t)
			require.Equal(t, "green", f.colour(t, k, "web"))
			require.Equal(t, []string{"patch " + k.resource + " in web", "patch " + k.resource + " in web"}, f.writes())
		},
		"deletes the copy": func(t *testing.T, f *fakes, k kind) {
			race(&f.Fake, "patch", k.resource, func() error { return f.drop(t, k.at("web", "")) })
			f.put(t, k.at("shop", "green"))
			f.retried(t)
			require.Equal(t, "green", f.colour(t, k, "web"))
			require.Equal(t, []string{"patch " + k.resource + " in web", "create " + k.resource + " in web"}, f.writes())
		},
		"takes the copy over": func(t *testing.T, f *fakes, k kind) {
			race(&f.Fake, "delete", k.resource, func() error { return f.replace(t, k.at("web", "theirs")) })
			f.put(t, namespace("web", nil))
			f.retried(t)
			f.is(t, v1alpha1.ReasonMirrored, 0)
			require.Equal(t, "theirs", f.colour(t, k, "web"))
			require.Equal(t, append(k.each("delete", "web"), "patch configmirrors/status"), f.writes())
		},
	} {
		t.Run(name, func(t *testing.T) { eachKind(t, somebody) })
	}
}

// TestFailureBesideARace has the cache be behind in one namespace and a failure in
// another. Kills: a status that keeps silent about what is not over.
func TestFailureBesideARace(t *testing.T) {
	eachKind(t, func(t *testing.T, f *fakes, k kind) {
		f.put(t, namespace("other", map[string]string{"team": "web"}))
		changed := k.at("other", "red")
		mark(changed, f.mirror(t))
		race(&f.Fake, "patch", k.resource, func() error {
			race(&f.Fake, "patch", k.resource, func() error { return errors.New("disk full") })
			return f.replace(t, changed)
		})
		f.put(t, k.at("shop", "green"))
		f.is(t, v1alpha1.ReasonFailed, k.copies(2)-2)
		require.Contains(t, f.mirror(t).Status.LastError, "disk full")
		require.NotContains(t, f.mirror(t).Status.LastError, "modified")

		time.Sleep(10 * time.Minute)
		f.is(t, v1alpha1.ReasonMirrored, k.copies(2))
		require.Equal(t, "green", f.colour(t, k, "other"))
		require.Equal(t, "green", f.colour(t, k, "web"))
		f.forget()
	})
}
