package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/leader"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/status"
)

// rotating is an operator, under a lease, whose credentials are in files, and who writes all the time.
type rotating struct {
	*world
	dir     string
	cfg     *rest.Config
	account *corev1.ServiceAccount
	issue   func(until time.Time) // writes new ones
	secrets []string
}

func (r *rotating) file(name string) string { return filepath.Join(r.dir, name) }

// write replaces a file at once.
func (r *rotating) write(name string, text []byte) {
	r.t.Helper()
	require.NoError(r.t, os.WriteFile(r.file(name)+".new", text, 0o600))
	require.NoError(r.t, os.Rename(r.file(name)+".new", r.file(name)))
	r.secrets = append(r.secrets, string(text))
}

func newRotating(t *testing.T) *rotating {
	t.Helper()
	w := newWorld(t)
	r := &rotating{world: w, dir: t.TempDir()}
	w.as("operator", []rbacv1.PolicyRule{
		{APIGroups: []string{group.Group}, Resources: []string{"widgets", "widgets/status"}, Verbs: []string{"get", "list", "watch", "patch"}},
		{APIGroups: []string{"coordination.k8s.io"}, Resources: []string{"leases"}, Verbs: []string{"get", "create", "update"}},
	})
	var err error
	r.account, err = w.admin.CoreV1().ServiceAccounts(w.namespace).Get(t.Context(), "operator", metav1.GetOptions{})
	require.NoError(t, err)
	r.write("ca", shared.Config().CAData)
	r.secrets = nil // that one is none
	r.cfg = &rest.Config{Host: shared.Config().Host, QPS: -1, TLSClientConfig: rest.TLSClientConfig{CAFile: r.file("ca")}}
	return r
}

func (r *rotating) withToken() {
	r.cfg.BearerTokenFile = r.file("token")
	r.issue = func(until time.Time) { r.write("token", []byte(r.token(r.account, until))) }
}

func (r *rotating) withCertificate() {
	r.cfg.CertFile, r.cfg.KeyFile = r.file("crt"), r.file("key")
	r.issue = func(until time.Time) {
		cert, key := r.certificate("system:serviceaccount:"+r.namespace+":operator", until)
		r.write("crt", cert)
		r.secrets = r.secrets[:len(r.secrets)-1] // the certificate is public
		r.write("key", key)
	}
}

// run starts the operator. It patches the status of each Widget every 200 ms.
func (r *rotating) run() {
	r.t.Helper()
	r.cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { return r.wire.over(next) })
	repo, opts := r.widgets(r.cfg), r.options()
	c, err := controller.New(repo, controller.Funcs[*Widget]{FinalizerName: ours, ApplyFunc: func(ctx context.Context, obj *Widget) (controller.Action, error) {
		_, err := status.Patch(ctx, repo, obj, WidgetStatus{Size: obj.Status.Size + 1})
		return controller.Requeue(200 * time.Millisecond), err
	}}, opts)
	require.NoError(r.t, err)
	elector, err := leader.New(r.cfg, theLease(r.namespace), &leader.Options{Logger: opts.Logger})
	require.NoError(r.t, err)
	elector.Lead(c)
	r.start(elector)
}

// refused waits until the server does not accept a copy of the credentials that there were.
func (r *rotating) refused(old *rest.Config) {
	r.t.Helper()
	client, err := kubernetes.NewForConfig(old)
	require.NoError(r.t, err)
	eventually(r.t, "the server still accepts the old credentials", func() bool {
		_, err := client.CoordinationV1().Leases(r.namespace).Get(r.t.Context(), "operator", metav1.GetOptions{})
		return apierrors.IsUnauthorized(err)
	})
}

// copied returns a configuration with the credentials that are in the files now.
func (r *rotating) copied() *rest.Config {
	r.t.Helper()
	cfg := rest.AnonymousClientConfig(r.cfg)
	if r.cfg.BearerTokenFile != "" {
		cfg.BearerToken = r.secrets[len(r.secrets)-1]
		return cfg
	}
	var err error
	cfg.CertData, err = os.ReadFile(r.file("crt"))
	require.NoError(r.t, err)
	cfg.KeyData = []byte(r.secrets[len(r.secrets)-1])
	return cfg
}

func isRefused(a controller.Attempt) bool { return apierrors.IsUnauthorized(a.Err) }

// recovers requires that each of the Widgets is applied within 5 s of now.
func (r *rotating) recovers(names ...string) {
	r.t.Helper()
	begun := time.Now()
	for _, name := range names {
		applied := isApplied(r.key(name))
		r.until("for "+name+" succeeds", func(a controller.Attempt) bool { return applied(a) && a.Start.After(begun) })
	}
	require.Less(r.t, time.Since(begun), 5*time.Second)
}

// rotate has the credentials replaced in time, and late.
func (r *rotating) rotate() {
	r.issue(time.Now().Add(4 * time.Second))
	first := r.copied()
	r.create(r.widget("w"))
	r.run()
	r.until("applies", isApplied(r.key("w")))
	second := time.Now().Add(20 * time.Second)
	r.issue(second)
	r.refused(first)
	failed := r.until("fails", func(a controller.Attempt) bool { return a.Err != nil })
	require.True(r.t, isRefused(failed), "%v", failed.Err)
	require.Equal(r.t, kerr.ClassForbidden, kerr.ClassOf(failed.Err))
	require.True(r.t, failed.Start.Add(failed.Duration).After(second.Add(-time.Second)), "none before the second ones have run out: %v", failed.Err)

	r.create(r.widget("late")) // which the watch, that goes on, tells of
	r.until("for late is refused", func(a controller.Attempt) bool { return a.Key == r.key("late") && isRefused(a) })
	time.Sleep(5 * time.Second) // the backoff of both grows
	watches := r.wire.count(http.MethodGet, "/widgets")
	r.issue(time.Now().Add(time.Hour))
	r.recovers("w", "late")
	require.Equal(r.t, watches, r.wire.count(http.MethodGet, "/widgets"), "the watch goes on")
}

// silent requires that no credentials are in what was logged, nor in errors.
func (r *rotating) silent() {
	r.t.Helper()
	var all []string
	for _, entry := range r.logs.All() {
		all = append(all, fmt.Sprint(entry.Message, entry.ContextMap()))
	}
	for len(r.attempts) > 0 {
		r.unclaimed = append(r.unclaimed, <-r.attempts)
	}
	for _, a := range r.unclaimed {
		all = append(all, fmt.Sprintf("%+v", a.Err))
	}
	for len(r.troubles) > 0 {
		all = append(all, fmt.Sprintf("%+v", (<-r.troubles).Err))
	}
	said := strings.Join(all, "\n")
	require.Contains(r.t, said, "Unauthorized")
	for _, secret := range r.secrets {
		lines := strings.Split(strings.TrimSpace(secret), "\n")
		for part := range strings.SplitSeq(lines[min(1, len(lines)-1)], ".") {
			require.NotContains(r.t, said, part)
		}
	}
}

// TestS9ATokenThatExpires: a token runs out, and its successor is there in time, which nobody notices, or
// late. Then the service account is deleted, and made again.
func TestS9ATokenThatExpires(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	r.withToken()
	r.rotate()

	accounts := r.admin.CoreV1().ServiceAccounts(r.namespace)
	require.NoError(t, accounts.Delete(t.Context(), "operator", metav1.DeleteOptions{}))
	gone := time.Now()
	r.until("is refused", func(a controller.Attempt) bool { return isRefused(a) && a.Start.After(gone) })
	var err error
	r.account, err = accounts.Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "operator"}}, metav1.CreateOptions{})
	require.NoError(t, err)
	time.Sleep(3 * time.Second)
	r.issue(time.Now().Add(time.Hour))
	r.recovers("w", "late")
	r.silent()
}

// TestS9AClientCertificateThatExpires is the same for certificates, of which a connection keeps the one that it
// was opened with.
func TestS9AClientCertificateThatExpires(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	r.withCertificate()
	r.rotate()
	r.silent()
}
