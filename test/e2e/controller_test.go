package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/status"
	"github.com/kuberator/kuberator/test/cluster"
)

var crdResource = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}

// sizer copies the size of the spec into the status.
func sizer(repo repository.Repository[*Widget]) controller.Funcs[*Widget] {
	return controller.Funcs[*Widget]{FinalizerName: ours, ApplyFunc: func(ctx context.Context, obj *Widget) (controller.Action, error) {
		_, err := status.Patch(ctx, repo, obj, WidgetStatus{Size: obj.Spec.Size})
		return controller.AwaitChange(), err
	}}
}

func (w *world) controller(cfg *rest.Config) *controller.Controller[*Widget, controller.Funcs[*Widget]] {
	w.t.Helper()
	repo, err := repository.New[Widget](cfg, newScheme("Widget"), widgets, repository.InNamespaces(w.namespace))
	require.NoError(w.t, err)
	c, err := controller.New(repo, sizer(repo), w.options())
	require.NoError(w.t, err)
	return c
}

// isApplied matches a successful Apply of the widget.
func isApplied(key types.NamespacedName) func(controller.Attempt) bool {
	return func(a controller.Attempt) bool { return a.Key == key && a.Op == kerr.OpApply && a.Err == nil }
}

// TestG9TwoWritesPerWidget creates, changes and deletes 300 objects.
func TestG9TwoWritesPerWidget(t *testing.T) {
	const n = 300
	w := newWorld(t)
	name := func(i int) string { return fmt.Sprintf("w%d", i) }
	other, err := repository.New[Widget](shared.Config(), newScheme("Widget"), widgets)
	require.NoError(t, err)
	stop := w.start(w.controller(w.cfg))
	wait := func(op kerr.Op) {
		t.Helper()
		for range n {
			a := w.until(string(op), func(controller.Attempt) bool { return true })
			require.NoError(t, a.Err)
			require.Equal(t, op, a.Op)
		}
	}
	for i := range n {
		_, err := other.Create(t.Context(), w.widget(name(i)))
		require.NoError(t, err)
	}
	wait(kerr.OpApply)
	for i := range n {
		require.Equal(t, 1, w.wire.count(http.MethodPatch, "/"+name(i)), "the finalizer")
		require.Equal(t, 1, w.wire.count(http.MethodPatch, "/"+name(i)+"/status"))
	}
	w.wire.reset()
	for i := range n {
		_, err := other.Patch(t.Context(), w.widget(name(i)), types.MergePatchType, []byte(`{"spec":{"size":7}}`))
		require.NoError(t, err)
	}
	wait(kerr.OpApply)
	require.Equal(t, n, w.wire.count(http.MethodPatch, "/status"))
	require.Equal(t, n, w.wire.count(http.MethodPatch, ""))
	require.Equal(t, WidgetStatus{ObservedGeneration: 2, Size: 7}, w.live(name(n-1)).Status)
	w.wire.reset()
	for i := range n {
		require.NoError(t, other.Delete(t.Context(), w.widget(name(i))))
	}
	wait(kerr.OpCleanup)
	require.Equal(t, n, w.wire.count(http.MethodPatch, ""))
	require.Nil(t, w.live(name(0)))
	stop()
	require.Empty(t, w.attempts, "not one attempt more")
	require.Zero(t, w.logs.Filter(func(e observer.LoggedEntry) bool { return e.Level >= zapcore.WarnLevel }).Len())
}

// TestRestartOverSettledWidgetsWritesNothing is a new process over settled objects.
func TestRestartOverSettledWidgetsWritesNothing(t *testing.T) {
	w := newWorld(t)
	obj := w.widget("w")
	obj.Spec.Size = 3
	w.create(obj)
	stop := w.start(w.controller(w.cfg))
	w.until("applied", isApplied(w.key("w")))
	stop()
	w.wire.reset()
	stop = w.start(w.controller(w.cfg))
	w.until("applied", isApplied(w.key("w")))
	stop()
	require.Zero(t, w.wire.count(http.MethodPatch, ""))
}

// TestG8ChangesDuringAnOutageAreReconciled kills the API server under the watch.
func TestG8ChangesDuringAnOutageAreReconciled(t *testing.T) {
	own := cluster.Start(t, &cluster.Options{NoControllerManager: true})
	w := worldOf(t, own)
	for _, name := range []string{"changed", "deleted"} {
		w.create(w.widget(name))
	}
	w.start(w.controller(w.cfg))
	w.until("applied", isApplied(w.key("changed")))
	w.until("applied", isApplied(w.key("deleted")))
	for range 2 {
		require.NoError(t, own.APIServer().Kill())
		require.NoError(t, own.APIServer().Restart(t.Context()))
		changed, err := w.merge(w.live("changed"), fmt.Sprintf(`{"spec":{"size":%d}}`, w.live("changed").Spec.Size+1))
		require.NoError(t, err)
		w.until("applied after the restart", func(a controller.Attempt) bool {
			return isApplied(w.key("changed"))(a) && w.live("changed").Status.Size == changed.Spec.Size
		})
	}
	require.NoError(t, w.repo.Delete(t.Context(), w.live("deleted")))
	w.until("cleaned up", func(a controller.Attempt) bool {
		return a.Key == w.key("deleted") && a.Op == kerr.OpCleanup && a.Err == nil
	})
	require.Nil(t, w.live("deleted"))
}

// TestG7CleanupOfAnOldObjectSparesTheNewOne deletes and recreates an object while
// its Cleanup runs and after.
func TestG7CleanupOfAnOldObjectSparesTheNewOne(t *testing.T) {
	w := newWorld(t)
	var cleaned []types.UID
	repo := w.repo
	entered, leave := make(chan struct{}), make(chan struct{})
	user := sizer(repo)
	user.CleanupFunc = func(_ context.Context, obj *Widget) (controller.Action, error) {
		cleaned = append(cleaned, obj.UID)
		if len(cleaned) == 1 {
			close(entered)
			<-leave
		}
		return controller.AwaitChange(), nil
	}
	c, err := controller.New(repo, user, w.options())
	require.NoError(t, err)
	old := w.create(w.widget("w"))
	w.start(c)
	w.until("applied", isApplied(w.key("w")))
	require.NoError(t, repo.Delete(t.Context(), old))
	<-entered
	_, err = w.merge(old, `{"metadata":{"finalizers":null}}`) // by force, under the running Cleanup
	require.NoError(t, err)
	fresh := w.create(w.widget("w"))
	close(leave)
	w.until("applied", isApplied(w.key("w")))
	require.Equal(t, []types.UID{old.UID}, cleaned)
	require.Equal(t, fresh.UID, w.live("w").UID)
	require.Equal(t, []string{ours}, w.live("w").Finalizers)
}

// TestG11UndecodableObjectIsOnlyItsOwnProblem has an object that does not fit the Go
// type there before the controller starts, and turns another one into such.
func TestG11UndecodableObjectIsOnlyItsOwnProblem(t *testing.T) {
	w := newWorld(t)
	bad := w.create(w.widget("bad"))
	_, err := w.merge(bad, `{"spec":{"number":"seven"}}`)
	require.Equal(t, kerr.ClassAmbiguous, kerr.ClassOf(err), "the write happened, its answer is unreadable")
	w.create(w.widget("good"))
	w.start(w.controller(w.cfg))
	undecodable := func(name string) func(controller.Trouble) bool {
		return func(t controller.Trouble) bool {
			return t.Key == w.key(name) && kerr.ClassOf(t.Err) == kerr.ClassUndecodable
		}
	}
	w.troubled(undecodable("bad"))
	w.until("applied", isApplied(w.key("good")))

	raw, err := dynamic.NewForConfig(shared.Config())
	require.NoError(t, err)
	patch := func(name, patch string) {
		t.Helper()
		_, err := raw.Resource(widgets).Namespace(w.namespace).Patch(t.Context(), name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
		require.NoError(t, err)
	}
	patch("good", `{"spec":{"number":"seven"}}`)
	w.troubled(undecodable("good"))
	for _, name := range []string{"bad", "good"} {
		patch(name, `{"spec":{"number":7}}`)
		w.until("applied", isApplied(w.key(name)))
	}
}

// TestG20KindThatComesAndGoes starts before the CustomResourceDefinition is there,
// and deletes it under the controller.
// Kills: a kind that is not taken up when it comes back.
func TestG20KindThatComesAndGoes(t *testing.T) {
	w := newWorld(t)
	gvr := group.WithResource("guests")
	cfg := w.cfg
	repo, err := repository.New[Widget](cfg, newScheme("Guest"), gvr, repository.InNamespaces(w.namespace))
	require.NoError(t, err)
	cleaned := atomic.Int32{}
	user := sizer(repo)
	user.CleanupFunc = func(context.Context, *Widget) (controller.Action, error) {
		cleaned.Add(1)
		return controller.AwaitChange(), nil
	}
	c, err := controller.New(repo, user, w.options())
	require.NoError(t, err)
	w.start(c)
	trouble := w.troubled(func(t controller.Trouble) bool { return t.Op == kerr.OpSync })
	require.ErrorIs(t, trouble.Err, kerr.ErrNotServed)
	require.ErrorContains(t, trouble.Err, "sync Guest: ")
	require.LessOrEqual(t, w.wire.count(http.MethodGet, "/guests"), 4, "no busy loop")

	crds, err := dynamic.NewForConfig(shared.Config())
	require.NoError(t, err)
	for round := range 2 {
		require.NoError(t, cluster.InstallCRDs(t.Context(), shared.Config(), definition(gvr, "Guest", true)))
		_, err = repo.Create(t.Context(), w.widget("w"))
		require.NoError(t, err)
		w.until("applied", isApplied(w.key("w")))
		require.NoError(t, crds.Resource(crdResource).Delete(t.Context(), "guests."+group.Group, metav1.DeleteOptions{}))
		w.until("cleaned up", func(a controller.Attempt) bool { return a.Op == kerr.OpCleanup && a.Err == nil })
		require.EqualValues(t, round+1, cleaned.Load())
		gone := func(ctx context.Context) (bool, error) {
			_, err := crds.Resource(crdResource).Get(ctx, "guests."+group.Group, metav1.GetOptions{})
			return apierrors.IsNotFound(err), nil
		}
		require.NoError(t, wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, time.Minute, true, gone))
	}
}

// TestS1RequiredRulesAreExact runs a controller as a service account with the rules
// that it says it needs, and with one verb less.
func TestS1RequiredRulesAreExact(t *testing.T) {
	w := newWorld(t)
	rules := w.controller(w.cfg).RequiredRules()
	var without [][]rbacv1.PolicyRule
	for i, rule := range rules {
		for _, verb := range rule.Verbs {
			if verb == "list" {
				continue // this server streams lists, which is a watch
			}
			less := append([]rbacv1.PolicyRule(nil), rules...)
			less[i].Verbs = remove(rule.Verbs, verb)
			without = append(without, less)
		}
	}
	for i, rules := range append([][]rbacv1.PolicyRule{rules}, without...) {
		name := fmt.Sprintf("operator-%d", i)
		c := w.controller(w.as(name, rules))
		stop := w.start(c)
		w.create(w.widget(name))
		denied := false
		w.until("that ends it", func(a controller.Attempt) bool {
			denied = denied || kerr.ClassOf(a.Err) == kerr.ClassForbidden
			for len(w.troubles) > 0 { // without "watch": its list succeeds, and shows the deletion
				denied = denied || kerr.ClassOf((<-w.troubles).Err) == kerr.ClassForbidden
			}
			if isApplied(w.key(name))(a) {
				require.NoError(t, w.repo.Delete(t.Context(), w.live(name)))
			}
			return denied || a.Key == w.key(name) && a.Op == kerr.OpCleanup
		})
		stop()
		w.forget()
		require.Equal(t, i > 0, denied, "rules %v", rules)
		if live := w.live(name); live != nil {
			_, _ = w.merge(live, `{"metadata":{"finalizers":null}}`)
			require.NoError(t, w.repo.Delete(t.Context(), live))
		}
	}
}

func remove(verbs []string, verb string) (rest []string) {
	for _, v := range verbs {
		if v != verb {
			rest = append(rest, v)
		}
	}
	return rest
}

// as returns the credentials of a service account with these rules.
func (w *world) as(name string, rules []rbacv1.PolicyRule) *rest.Config {
	w.t.Helper()
	cfg, err := shared.ServiceAccount(w.t.Context(), w.namespace, name)
	require.NoError(w.t, err)
	role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: name}}
	for _, rule := range rules {
		if len(rule.Verbs) > 0 {
			role.Rules = append(role.Rules, rule)
		}
	}
	_, err = w.admin.RbacV1().Roles(w.namespace).Create(w.t.Context(), role, metav1.CreateOptions{})
	require.NoError(w.t, err)
	_, err = w.admin.RbacV1().RoleBindings(w.namespace).Create(w.t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: w.namespace, Name: name}},
	}, metav1.CreateOptions{})
	require.NoError(w.t, err)
	w.untilAllowed(name, role.Rules)
	return cfg
}

// untilAllowed waits until the API server knows the rights of a service account: it reads roles and
// bindings from caches of its own.
func (w *world) untilAllowed(name string, rules []rbacv1.PolicyRule) {
	w.t.Helper()
	user := "system:serviceaccount:" + w.namespace + ":" + name
	for _, rule := range rules {
		for _, verb := range rule.Verbs {
			resource, subresource, _ := strings.Cut(rule.Resources[0], "/")
			named := ""
			if len(rule.ResourceNames) > 0 {
				named = rule.ResourceNames[0]
			}
			review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
				User: user, Groups: []string{"system:serviceaccounts", "system:authenticated"},
				ResourceAttributes: &authorizationv1.ResourceAttributes{
					Namespace: w.namespace, Verb: verb, Group: rule.APIGroups[0], Resource: resource, Subresource: subresource, Name: named,
				},
			}}
			require.NoError(w.t, wait.PollUntilContextTimeout(w.t.Context(), 20*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
				answer, err := w.admin.AuthorizationV1().SubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
				return err == nil && answer.Status.Allowed, err
			}))
		}
	}
}
