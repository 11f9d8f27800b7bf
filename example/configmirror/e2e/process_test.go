package e2e_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kuberator/kuberator/example/configmirror"
	"github.com/kuberator/kuberator/example/configmirror/api/v1alpha1"
	"github.com/kuberator/kuberator/test/cluster"
)

// replica is a process of the operator, as a Pod of its Deployment runs it.
type replica struct {
	*exec.Cmd
	ended chan error

	mu      sync.Mutex
	records []map[string]any
	changed chan struct{} // closed and made anew at each record
}

// deploy starts a replica. Each line that it writes must be a JSON record.
func deploy(t *testing.T, binary, kubeconfig string, args ...string) *replica {
	t.Helper()
	r := &replica{ended: make(chan error, 1), changed: make(chan struct{})}
	r.Cmd = exec.CommandContext(t.Context(), binary, append([]string{"--kubeconfig", kubeconfig, "--health-addr=127.0.0.1:0", "--metrics-addr=127.0.0.1:0"}, args...)...)
	r.Env = append(os.Environ(), "POD_NAMESPACE="+configmirror.Namespace)
	out, err := r.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, r.Start())
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			var record map[string]any
			if err := json.Unmarshal(lines.Bytes(), &record); err != nil {
				t.Errorf("not a record: %s", lines.Text())
			}
			r.note(record)
		}
		r.ended <- r.Wait()
	}()
	return r
}

func (r *replica) note(record map[string]any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.records = append(r.records, record)
	close(r.changed)
	r.changed = make(chan struct{})
}

// record waits for a record that fits.
func (r *replica) record(t *testing.T, about string, fits func(map[string]any) bool) map[string]any {
	t.Helper()
	late := time.After(time.Minute)
	for {
		r.mu.Lock()
		changed := r.changed
		for _, one := range r.records {
			if fits(one) {
				r.mu.Unlock()
				return one
			}
		}
		r.mu.Unlock()
		select {
		case <-changed:
		case <-late:
			require.Fail(t, "there is no record "+about)
		}
	}
}

func (r *replica) says(t *testing.T, message string) {
	t.Helper()
	r.record(t, message, func(record map[string]any) bool { return record["msg"] == message })
}

// address is where the replica serves probes, or metrics.
func (r *replica) address(t *testing.T, secure bool) string {
	t.Helper()
	record := r.record(t, "of where it serves", func(record map[string]any) bool { return record["msg"] == "serving" && record["tls"] == secure })
	return record["address"].(string)
}

// answer is what an HTTP server says.
func answer(ctx context.Context, url, token string) (int, string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}} //nolint:gosec // the certificate is self-signed
	response, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, string(body), err
}

const scraper = `
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: scraper},
 roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: configmirror-metrics-reader},
 subjects: [{kind: ServiceAccount, name: prometheus, namespace: default}]}
`

// TestS1TheProcessHasTheRightsThatItUses runs two replicas of the operator as the manifests do, through a
// life of a mirror, trouble, a scrape and a change of the leader. The audit log says what they asked for:
// nothing was refused, and nothing is allowed for no reason.
//
// Kills: a right that the manifests lack, or that nobody uses; metrics for who may not; a probe that is wrong;
// a lease that is not released.
func TestS1TheProcessHasTheRightsThatItUses(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program")
	}
	err := env.client.CoordinationV1().Leases(configmirror.Namespace).Delete(t.Context(), "configmirror", metav1.DeleteOptions{})
	require.True(t, err == nil || apierrors.IsNotFound(err), "%v", err) // of another test
	begun := time.Now()
	binary := build(t)
	kubeconfig, err := env.cluster.KubeconfigFor(env.account, "process")
	require.NoError(t, err)
	first := deploy(t, binary, kubeconfig)
	first.says(t, "leading")
	second := deploy(t, binary, kubeconfig)
	for _, r := range []*replica{first, second} {
		eventually(t, func(ctx context.Context) error {
			return is(ctx, http.StatusOK, "http://"+r.address(t, false)+"/readyz", "")
		})
		require.NoError(t, is(t.Context(), http.StatusOK, "http://"+r.address(t, false)+"/livez", ""))
	}
	s := newStory(t, "process")
	s.tell(t)
	s.trouble(t)
	look(t, first)
	_, page, err := answer(t.Context(), "http://"+first.address(t, false)+"/debug/controllers", "")
	require.NoError(t, err)
	require.Contains(t, page, "this process")

	require.NoError(t, first.Process.Signal(syscall.SIGTERM))
	stopped := time.Now()
	second.says(t, "leading")
	t.Logf("the other one leads %s after SIGTERM", time.Since(stopped))
	require.Less(t, time.Since(stopped), 5*time.Second, "a second, on a machine that is not busy")
	require.NoError(t, <-first.ended)
	first.says(t, "ended")
	s.tell(t)
	require.NoError(t, second.Process.Signal(syscall.SIGTERM))
	require.NoError(t, <-second.ended)
	compareRights(t, begun)
}

func is(ctx context.Context, want int, url, token string) error {
	status, body, err := answer(ctx, url, token)
	if err == nil && status != want {
		err = fmt.Errorf("%s answers %d, not %d: %s", url, status, want, body)
	}
	return err
}

// trouble makes the operator say something in an Event, which names its instance.
func (s *storyteller) trouble(t *testing.T) {
	t.Helper()
	w := s.w
	w.mirror(func(spec *v1alpha1.ConfigMirrorSpec) {
		spec.Source.Name, spec.Secret = "absent", &v1alpha1.SecretSource{Name: "absent"}
		spec.NamespaceSelector.MatchExpressions = []metav1.LabelSelectorRequirement{{Key: "not a label!", Operator: metav1.LabelSelectorOpExists}}
	})
	told := func(count int32) func(context.Context) error {
		return func(ctx context.Context) error {
			events, err := env.client.EventsV1().Events("default").List(ctx, metav1.ListOptions{FieldSelector: "reason=NotRetried"})
			if err != nil {
				return err
			}
			for _, e := range events.Items {
				if e.Regarding.Name == w.name && (count == 1 || e.Series != nil) {
					return nil
				}
			}
			return fmt.Errorf("there is no event of the mirror, or no series, among %d", len(events.Items))
		}
	}
	eventually(t, told(1))
	w.edit(func(spec *v1alpha1.ConfigMirrorSpec) { spec.Source.Name = "another" })
	eventually(t, told(2))
	w.edit(func(spec *v1alpha1.ConfigMirrorSpec) { spec.NamespaceSelector.MatchExpressions = nil })
	eventually(t, w.is(v1alpha1.ReasonSourceNotFound, 0))
	w.delete()
}

// look reads the metrics and the page, as those who may, and as others.
func look(t *testing.T, r *replica) {
	t.Helper()
	require.NoError(t, cluster.ApplyYAML(t.Context(), env.cluster.Config(), []byte(scraper)))
	prometheus, err := env.cluster.ServiceAccount(t.Context(), "default", "prometheus")
	require.NoError(t, err)
	stranger, err := env.cluster.ServiceAccount(t.Context(), "default", "stranger")
	require.NoError(t, err)
	metrics := "https://" + r.address(t, true)
	require.NoError(t, is(t.Context(), http.StatusUnauthorized, metrics+"/metrics", ""))
	require.NoError(t, is(t.Context(), http.StatusUnauthorized, metrics+"/metrics", "made.up.token"))
	require.NoError(t, is(t.Context(), http.StatusForbidden, metrics+"/metrics", stranger.BearerToken))
	require.NoError(t, is(t.Context(), http.StatusForbidden, metrics+"/debug/controllers", prometheus.BearerToken))
	status, text, err := answer(t.Context(), metrics+"/metrics", prometheus.BearerToken)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	for _, want := range []string{`controller_runtime_reconcile_total{controller="configmirror",result="success"}`, "rest_client_requests_total", "go_goroutines"} {
		require.True(t, strings.Contains(text, want), want) //nolint:testifylint // Contains would print all metrics
	}
	status, text, err = answer(t.Context(), "http://"+r.address(t, false)+"/debug/controllers", "")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, text, "configmirror")
}

// compareRights compares what was asked for with what is allowed.
func compareRights(t *testing.T, since time.Time) {
	t.Helper()
	used := sets.New[string]()
	for _, a := range env.audit.operator(t, since) {
		require.NotEqual(t, http.StatusForbidden, a.ResponseStatus.Code, "%+v", a)
		used.Insert(a.right())
	}
	may := allowed(t)
	require.Empty(t, sets.List(used.Difference(may)), "used but not allowed")
	streamed := sets.New("list configmirrors.mirror.kuberator.dev", "list namespaces.") // asked only of servers that cannot stream lists
	require.Empty(t, sets.List(may.Difference(used).Difference(streamed)), "allowed but not used")
}

// TestG14TheSecondSignalEndsTheProcess: the first signal ends the work in order, and the second one the process.
func TestG14TheSecondSignalEndsTheProcess(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program")
	}
	binary := build(t)
	kubeconfig, err := env.cluster.KubeconfigFor(env.account, "signals")
	require.NoError(t, err)
	r := deploy(t, binary, kubeconfig, "--leader-elect=false")
	r.says(t, "starting")
	for range 2 {
		require.NoError(t, r.Process.Signal(syscall.SIGINT))
	}
	err = <-r.ended
	if err != nil { // it may have ended in order before the second one arrived
		require.Equal(t, "signal: interrupt", err.Error())
	}

	out, err := exec.CommandContext(t.Context(), binary, "--workers=many").CombinedOutput()
	require.ErrorContains(t, err, "exit status 2")
	require.Equal(t, 1, strings.Count(string(out), "\n"), "%s", out)
	out, err = exec.CommandContext(t.Context(), binary, "--kubeconfig=/absent").CombinedOutput()
	require.ErrorContains(t, err, "exit status 1")
	require.Contains(t, string(out), `"level":"error"`)
	require.Contains(t, string(out), "find out which cluster to work on")
}
