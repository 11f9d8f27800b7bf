package controller_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/status"
	"github.com/kuberator/kuberator/test/sim"
)

// TestS1RequiredRulesAreEnough has a controller see a Deployment from its creation to its
// end, as a user who may do what RequiredRules say and what its own Apply writes: nothing is
// refused. With any verb less something is. "list" is the one without which all goes well:
// this server streams lists, so that only the probes of the watches are refused. Without
// "watch" a cache makes do with lists, later and later; without another verb the Deployment
// is not applied or does not go.
func TestS1RequiredRulesAreEnough(t *testing.T) {
	all := lifeWithout(t, "", "")
	require.True(t, all.complete)
	require.Empty(t, all.refused)
	require.Len(t, all.rules, 4)
	for _, rule := range all.rules {
		resource := rule.Resources[0]
		for _, verb := range rule.Verbs {
			t.Run(verb+" "+resource, func(t *testing.T) {
				less := lifeWithout(t, verb, resource)
				require.Equal(t, []string{verb + " " + resource}, less.refused)
				require.Equal(t, verb == "list", less.probesOnly)
				if verb != "watch" {
					require.Equal(t, verb == "list", less.complete)
				}
			})
		}
	}
}

// life is what became of a Deployment and of the requests of its controller.
type life struct {
	rules      []rbacv1.PolicyRule // that the library asks for
	complete   bool                // it was applied, cleaned up, and is gone
	refused    []string            // verbs and resources, each once
	probesOnly bool                // nothing was refused but probes of watches
}

// lifeWithout is the life of a Deployment whose controller lacks one verb of the rules.
func lifeWithout(t *testing.T, verb, resource string) (l life) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv, err := sim.New(sim.Options{Namespaces: []string{"ns"}, Kinds: sim.Core(
			"configmaps", "secrets", "deployments.apps", "roles.rbac.authorization.k8s.io", "rolebindings.rbac.authorization.k8s.io")})
		require.NoError(t, err)
		defer srv.Close()
		admin := kubernetes.NewForConfigOrDie(srv.Config())
		cfg, refusals := srv.Config(), &refusals{}
		cfg.Impersonate.UserName = "system:serviceaccount:ns:operator"
		cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { refusals.next = next; return refusals })
		var applied, cleaned atomic.Bool
		c := newRestricted(t, cfg, &controller.Options{Logger: zap.NewNop(), Observer: controller.ObserverFuncs{EndedFunc: func(_ context.Context, a controller.Attempt) {
			if a.Err == nil {
				applied.CompareAndSwap(false, a.Op == kerr.OpApply)
				cleaned.CompareAndSwap(false, a.Op == kerr.OpCleanup)
			}
		}}})
		l.rules = c.RequiredRules()
		grant(t, admin, without(l.rules, verb, resource))
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		done := make(chan error, 1)
		go func() { done <- c.Run(ctx) }()

		deployments := admin.AppsV1().Deployments("ns")
		_, err = deployments.Create(t.Context(), newDeployment("a"), metav1.CreateOptions{})
		require.NoError(t, err)
		time.Sleep(2 * time.Minute) // a probe is sent each minute
		require.NoError(t, deployments.Delete(t.Context(), "a", metav1.DeleteOptions{}))
		time.Sleep(time.Second)
		_, err = deployments.Get(t.Context(), "a", metav1.GetOptions{})
		stop()
		require.NoError(t, <-done)
		l.complete = applied.Load() && cleaned.Load() && apierrors.IsNotFound(err)
		l.refused, l.probesOnly = refusals.seen, !refusals.others && refusals.seen != nil
	})
	return l
}

// newRestricted returns a controller of Deployments in one namespace, which reads Secrets from
// a cache, creates a ConfigMap and writes the status.
func newRestricted(t *testing.T, cfg *rest.Config, opts *controller.Options) *controller.Controller[*deployment, controller.Funcs[*deployment]] {
	t.Helper()
	confined := repository.InNamespaces("ns")
	repo, err := repository.New[deployment](cfg, scheme.Scheme, appsv1.SchemeGroupVersion.WithResource("deployments"), confined)
	require.NoError(t, err)
	maps, err := repository.New[corev1.ConfigMap](cfg, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"), confined)
	require.NoError(t, err)
	secrets, err := repository.New[corev1.Secret](cfg, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("secrets"), confined)
	require.NoError(t, err)
	children, err := informer.New[*corev1.ConfigMap](maps, nil)
	require.NoError(t, err)
	read, err := informer.New[*corev1.Secret](secrets, nil)
	require.NoError(t, err)
	c, err := controller.New(repo, controller.Funcs[*deployment]{FinalizerName: ours, ApplyFunc: func(ctx context.Context, d *deployment) (action, error) {
		if _, err := read.Get(ctx, nsName("s")); err != nil && !apierrors.IsNotFound(err) {
			return action{}, err
		}
		_, err := children.Get(ctx, nsName(d.Name))
		if apierrors.IsNotFound(err) {
			_, err = maps.Create(ctx, child(d.Name))
		}
		if err != nil {
			return action{}, err
		}
		s := d.Status
		s.ObservedGeneration = d.Generation
		_, err = status.Patch(ctx, repo, d, s)
		return controller.AwaitChange(), err
	}}, opts)
	require.NoError(t, err)
	controller.Owns(c, children)
	controller.References(c, read)
	return c
}

// grant gives the operator rules, and the right to what its Apply writes.
func grant(t *testing.T, admin kubernetes.Interface, rules []rbacv1.PolicyRule) {
	t.Helper()
	rules = append(rules, rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"configmaps"}, Verbs: []string{"create"}})
	name := metav1.ObjectMeta{Name: "operator"}
	_, err := admin.RbacV1().Roles("ns").Create(t.Context(), &rbacv1.Role{ObjectMeta: name, Rules: rules}, metav1.CreateOptions{})
	require.NoError(t, err)
	_, err = admin.RbacV1().RoleBindings("ns").Create(t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: name, RoleRef: rbacv1.RoleRef{Kind: "Role", Name: "operator"},
		Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: "operator"}},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
}

// without returns rules that lack a verb of one resource.
func without(rules []rbacv1.PolicyRule, verb, resource string) (out []rbacv1.PolicyRule) {
	for _, rule := range rules {
		if rule.Resources[0] == resource {
			rule.Verbs = slices.DeleteFunc(slices.Clone(rule.Verbs), func(v string) bool { return v == verb })
		}
		out = append(out, rule)
	}
	return out
}

// refusals notes which requests are answered with 403.
type refusals struct {
	next http.RoundTripper

	mu     sync.Mutex
	seen   []string
	others bool // not all of them were probes
}

// refusedAccess is what the server says that a user cannot do.
var refusedAccess = regexp.MustCompile(`cannot (\w+) resource \\"([\w/]+)\\"`)

func (r *refusals) RoundTrip(req *http.Request) (*http.Response, error) {
	response, err := r.next.RoundTrip(req)
	if err != nil || response.StatusCode != http.StatusForbidden {
		return response, err
	}
	body, err := io.ReadAll(response.Body)
	response.Body = io.NopCloser(bytes.NewReader(body))
	access := string(body)
	if match := refusedAccess.FindStringSubmatch(access); match != nil {
		access = match[1] + " " + match[2]
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(r.seen, access) {
		r.seen = append(r.seen, access)
	}
	r.others = r.others || !request{req.Method, req.URL}.isProbe()
	return response, err
}
