package leader_test

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/leader"
	"github.com/kuberator/kuberator/test/sim"
)

// TestS1TheRulesForTheLeaseAreEnough has a process create, renew, release and win the lease as a
// user who has the rules: nothing is refused. Without any of the verbs it does not lead, or not for
// long.
func TestS1TheRulesForTheLeaseAreEnough(t *testing.T) {
	led, refused, rules := leadWithout(t, "")
	require.True(t, led)
	require.Empty(t, refused)
	require.Len(t, rules, 2)
	for _, rule := range rules {
		for _, verb := range rule.Verbs {
			led, refused, _ := leadWithout(t, verb)
			require.False(t, led, verb)
			require.NotEmpty(t, refused, verb)
		}
	}
}

// leadWithout reports whether a process leads twice, for a minute each time.
func leadWithout(t *testing.T, verb string) (led bool, refused []string, rules []rbacv1.PolicyRule) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv, err := sim.New(sim.Options{Kinds: sim.Core("leases.coordination.k8s.io", "roles.rbac.authorization.k8s.io", "rolebindings.rbac.authorization.k8s.io")})
		require.NoError(t, err)
		defer srv.Close()
		cfg, refusals := srv.Config(), &refusals{}
		cfg.Impersonate.UserName = "system:serviceaccount:default:operator"
		cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { refusals.next = next; return refusals })
		elector, err := leader.New(cfg, theLease, &leader.Options{Logger: zap.NewNop()})
		require.NoError(t, err)
		elector.Lead(controller.RunnerFunc(func(ctx context.Context) error { <-ctx.Done(); return nil }))
		rules = elector.RequiredRules()
		granted := slices.Clone(rules)
		for n := range granted {
			granted[n].Verbs = slices.DeleteFunc(slices.Clone(granted[n].Verbs), func(v string) bool { return v == verb })
		}
		admin := kubernetes.NewForConfigOrDie(srv.Config())
		name := metav1.ObjectMeta{Name: "operator"}
		_, err = admin.RbacV1().Roles("default").Create(t.Context(), &rbacv1.Role{ObjectMeta: name, Rules: granted}, metav1.CreateOptions{})
		require.NoError(t, err)
		_, err = admin.RbacV1().RoleBindings("default").Create(t.Context(), &rbacv1.RoleBinding{
			ObjectMeta: name, RoleRef: rbacv1.RoleRef{Kind: "Role", Name: "operator"},
			Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: "operator"}},
		}, metav1.CreateOptions{})
		require.NoError(t, err)
		led = true
		for range 2 {
			ctx, stop := context.WithTimeout(t.Context(), time.Minute)
			go func() {
				time.Sleep(59 * time.Second)
				led = led && elector.Status().Leading
			}()
			require.NoError(t, elector.Run(ctx))
			stop()
		}
		refused = refusals.seen
	})
	return led, refused, rules
}

// refusals notes which requests are answered with 403.
type refusals struct {
	next http.RoundTripper

	mu   sync.Mutex
	seen []string
}

func (r *refusals) RoundTrip(req *http.Request) (*http.Response, error) {
	answer, err := r.next.RoundTrip(req)
	if err == nil && answer.StatusCode == http.StatusForbidden {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.seen = append(r.seen, req.Method+" "+req.URL.Path)
	}
	return answer, err
}
