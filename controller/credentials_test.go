package controller_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zaptest/observer"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/sim"
)

// account is a controller of ConfigMaps that runs as a service account, with a token in a file, on a simulated
// server.
type account struct {
	t     *testing.T
	srv   *sim.Server
	admin kubernetes.Interface
	file  string
	token string // the last one
	logs  *observer.ObservedLogs
	stop  context.CancelFunc
	done  chan error

	workers    int
	takes      time.Duration                                     // each attempt, before it writes
	before     func(context.Context, types.NamespacedName) error // of each attempt, before it writes
	unverified atomic.Bool                                       // the certificate of the server

	mu      sync.Mutex
	applied map[string]time.Time // the last attempt that succeeded, by object
	failed  int                  // attempts
}

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// asAccount runs a controller in a bubble. It writes each object that it applies, every minute.
func asAccount(t *testing.T, f func(a *account), with ...func(a *account)) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "token")
	synctest.Test(t, func(t *testing.T) {
		a := &account{t: t, file: file, workers: 1, applied: map[string]time.Time{}}
		a.before = func(context.Context, types.NamespacedName) error { return nil }
		for _, w := range with {
			w(a)
		}
		var err error
		a.srv, err = sim.New(sim.Options{Kinds: sim.Core("configmaps", "serviceaccounts", "roles.rbac.authorization.k8s.io", "rolebindings.rbac.authorization.k8s.io")})
		require.NoError(t, err)
		defer a.srv.Close()
		a.admin = kubernetes.NewForConfigOrDie(a.srv.Config())
		a.allow()
		a.issue()
		a.run()
		defer func() {
			a.stop()
			require.NoError(t, <-a.done)
		}()
		f(a)
	})
}

// allow makes the service account, which may do everything.
func (a *account) allow() {
	a.t.Helper()
	name := metav1.ObjectMeta{Name: "operator"}
	_, err := a.admin.CoreV1().ServiceAccounts("default").Create(a.t.Context(), &corev1.ServiceAccount{ObjectMeta: name}, metav1.CreateOptions{})
	require.NoError(a.t, err)
	all := []string{"*"}
	_, err = a.admin.RbacV1().Roles("default").Create(a.t.Context(), &rbacv1.Role{
		ObjectMeta: name, Rules: []rbacv1.PolicyRule{{APIGroups: all, Resources: all, Verbs: all}},
	}, metav1.CreateOptions{})
	require.NoError(a.t, err)
	_, err = a.admin.RbacV1().RoleBindings("default").Create(a.t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: name, RoleRef: rbacv1.RoleRef{Kind: "Role", Name: name.Name}, Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: name.Name}},
	}, metav1.CreateOptions{})
	require.NoError(a.t, err)
}

// issue writes a token that is good for ten minutes into the file.
func (a *account) issue() {
	a.t.Helper()
	got, err := a.admin.CoreV1().ServiceAccounts("default").CreateToken(a.t.Context(), "operator", &authenticationv1.TokenRequest{
		Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: new(int64(600))},
	}, metav1.CreateOptions{})
	require.NoError(a.t, err)
	a.token = got.Status.Token
	require.NoError(a.t, os.WriteFile(a.file+".new", []byte(a.token), 0o600))
	require.NoError(a.t, os.Rename(a.file+".new", a.file))
}

func (a *account) run() {
	a.t.Helper()
	cfg := a.srv.Config()
	cfg.BearerTokenFile = a.file
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return transportFunc(func(r *http.Request) (*http.Response, error) {
			if a.unverified.Load() {
				return nil, &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}
			}
			return next.RoundTrip(r)
		})
	})
	repo, err := repository.New[corev1.ConfigMap](cfg, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"), repository.InNamespaces("default"))
	require.NoError(a.t, err)
	logger, logs := newLogs()
	a.logs = logs
	user := controller.Funcs[*corev1.ConfigMap]{FinalizerName: ours, ApplyFunc: func(ctx context.Context, cm *corev1.ConfigMap) (action, error) {
		time.Sleep(a.takes)
		if err := a.before(ctx, repository.Key(cm)); err != nil {
			return controller.Requeue(time.Minute), err
		}
		changed := cm.DeepCopy()
		changed.Data = map[string]string{"at": time.Now().String()}
		_, err := repo.Update(ctx, cm, changed)
		return controller.Requeue(time.Minute), err
	}}
	c, err := controller.New(repo, user, &controller.Options{Workers: a.workers, Logger: logger, Observer: controller.ObserverFuncs{EndedFunc: func(_ context.Context, at controller.Attempt) {
		a.mu.Lock()
		defer a.mu.Unlock()
		if at.Err == nil {
			a.applied[at.Key.Name] = time.Now()
		} else {
			a.failed++
		}
	}}})
	require.NoError(a.t, err)
	ctx, cancel := context.WithCancel(a.t.Context())
	a.stop, a.done = cancel, make(chan error, 1)
	go func() { a.done <- c.Run(ctx) }()
}

func (a *account) create(name string) {
	a.t.Helper()
	_, err := a.admin.CoreV1().ConfigMaps("default").Create(a.t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
	require.NoError(a.t, err)
}

// since requires that an attempt for each object succeeded within d.
func (a *account) since(d time.Duration, objects int) {
	a.t.Helper()
	synctest.Wait()
	a.mu.Lock()
	defer a.mu.Unlock()
	require.Len(a.t, a.applied, objects)
	for name, at := range a.applied {
		require.LessOrEqual(a.t, time.Since(at), d, name)
	}
}

// failures returns how many attempts failed since the last call.
func (a *account) failures() int {
	synctest.Wait()
	a.mu.Lock()
	defer a.mu.Unlock()
	defer func() { a.failed = 0 }()
	return a.failed
}

// TestS9ATokenThatIsReplacedInTimeIsNotNoticed, also if that is at the last moment: no attempt fails.
func TestS9ATokenThatIsReplacedInTimeIsNotNoticed(t *testing.T) {
	asAccount(t, func(a *account) {
		a.create("a")
		for range 6 {
			time.Sleep(10*time.Minute - time.Second)
			a.issue()
		}
		time.Sleep(time.Minute)
		a.since(time.Minute, 1)
		require.Zero(t, a.failures())
		require.Zero(t, a.logs.FilterMessage("watch failed").Len())
	})
}

// TestS9AnExpiredTokenIsVisibleAndAllRecoverWithinSeconds: no token for half an hour, after which every object
// waits for the end of a backoff of minutes, and the watches have ended. 5 s after a token is there, each is
// applied, one that was created meanwhile too. Until then the server is not flooded.
func TestS9AnExpiredTokenIsVisibleAndAllRecoverWithinSeconds(t *testing.T) {
	asAccount(t, func(a *account) {
		const many = 40
		for n := range many {
			a.create(fmt.Sprint("n", n))
		}
		for n := range 2 {
			time.Sleep(time.Minute)
			a.since(time.Minute, many+n)
			old := a.token
			time.Sleep(10 * time.Minute)
			a.create(fmt.Sprint("late", n))
			a.failures()
			time.Sleep(20 * time.Minute)
			require.Less(t, a.failures(), many*5+20*20+50, "an attempt each 5 minutes for each, and one in 3 s")
			seen := a.logs.FilterMessage("attempt failed").All()
			require.NotEmpty(t, seen)
			require.Equal(t, kerr.ClassForbidden.String(), seen[len(seen)-1].ContextMap()["class"])
			require.Contains(t, seen[len(seen)-1].ContextMap()["error"], "Unauthorized")
			require.NotZero(t, a.logs.FilterMessage("watch failed").Len())
			a.issue()
			time.Sleep(5 * time.Second)
			a.since(5*time.Second, many+n+1)
			for _, entry := range a.logs.All() {
				text := fmt.Sprint(entry.Message, entry.ContextMap())
				require.False(t, strings.Contains(text, old) || strings.Contains(text, a.token), text)
			}
		}
	})
}
