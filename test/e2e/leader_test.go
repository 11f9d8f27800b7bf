package e2e_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"

	"github.com/kuberator/kuberator/controller/leader"
)

// TestG2RealProcesses has processes of this program compete for a lease, with 10,000 cached objects,
// as a service account with the rules that the library asks for. One is asked to end, one is killed,
// one is stopped for a minute and goes on.
func TestG2RealProcesses(t *testing.T) {
	if testing.Short() {
		t.Skip("takes minutes, with real processes and real time")
	}
	w := newWorld(t)
	f := &field{world: w, kubeconfig: w.asOperator(), writers: w.writers()}
	w.crowd(10_000)

	a := f.launch("a")
	f.writers.await(t, "a")
	b := f.launch("b")
	b.await("ready")
	asked := time.Now()
	require.NoError(t, a.Process.Signal(syscall.SIGTERM))
	took := b.await("applies").Sub(asked)
	require.NoError(t, a.Wait())
	t.Logf("SIGTERM: the next one applies %s later", took)
	require.Less(t, took, time.Second)

	c := f.launch("c")
	c.await("ready")
	f.writers.await(t, "b")
	killed := time.Now()
	require.NoError(t, b.Process.Kill())
	took = c.await("applies").Sub(killed)
	_ = b.Wait() // it was killed
	t.Logf("SIGKILL: the next one applies %s later", took)
	require.Less(t, took, 17*time.Second)

	d := f.launch("d")
	d.await("ready")
	f.writers.await(t, "c")
	stopped := time.Now()
	require.NoError(t, c.Process.Signal(syscall.SIGSTOP))
	f.writers.await(t, "d")
	time.Sleep(time.Until(stopped.Add(time.Minute)))
	require.NoError(t, c.Process.Signal(syscall.SIGCONT))
	time.Sleep(15 * time.Second)
	require.NoError(t, c.Process.Signal(syscall.SIGTERM))
	require.NoError(t, c.Wait())
	require.NoError(t, d.Process.Signal(syscall.SIGTERM))
	require.NoError(t, d.Wait())
	require.Equal(t, []string{"a", "b", "c", "d"}, f.writers.turns(), "nobody writes after the next one has begun")
	require.Equal(t, []string{"a", "b", "c", "d"}, f.wrote(), "as the audit log shows it")
	for _, p := range []*competitor{a, b, c, d} {
		require.NotContains(t, p.said(), "refused", p.name)
	}
}

// asOperator returns a kubeconfig of a service account that may do what the library asks for, and
// patch ConfigMaps.
func (w *world) asOperator() (kubeconfig string) {
	w.t.Helper()
	elector, err := leader.New(w.cfg, theLease(w.namespace), nil)
	require.NoError(w.t, err)
	rules := append(elector.RequiredRules(), rbacv1.PolicyRule{
		APIGroups: []string{""}, Resources: []string{"configmaps"}, Verbs: []string{"get", "list", "watch", "patch"},
	})
	name := metav1.ObjectMeta{Name: "operator"}
	_, err = w.admin.RbacV1().Roles(w.namespace).Create(w.t.Context(), &rbacv1.Role{ObjectMeta: name, Rules: rules}, metav1.CreateOptions{})
	require.NoError(w.t, err)
	_, err = w.admin.RbacV1().RoleBindings(w.namespace).Create(w.t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: name, RoleRef: rbacv1.RoleRef{Kind: "Role", Name: name.Name},
		Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: w.namespace, Name: name.Name}},
	}, metav1.CreateOptions{})
	require.NoError(w.t, err)
	account, err := shared.ServiceAccount(w.t.Context(), w.namespace, name.Name)
	require.NoError(w.t, err)
	kubeconfig, err = shared.KubeconfigFor(account, "leader-"+w.namespace)
	require.NoError(w.t, err)
	client, err := kubernetes.NewForConfig(account)
	require.NoError(w.t, err)
	require.Eventually(w.t, func() bool { // the server learns of rights a moment later
		_, err := client.CoreV1().ConfigMaps(w.namespace).List(w.t.Context(), metav1.ListOptions{Limit: 1})
		return err == nil
	}, time.Minute, 50*time.Millisecond)
	return kubeconfig
}

// crowd creates ConfigMaps, and the busy one.
func (w *world) crowd(n int) {
	w.t.Helper()
	names := make(chan string)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for name := range names {
				cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}
				if _, err := w.admin.CoreV1().ConfigMaps(w.namespace).Create(w.t.Context(), cm, metav1.CreateOptions{}); err != nil {
					w.t.Error(err)
				}
			}
		})
	}
	for i := range n {
		names <- fmt.Sprintf("n%d", i)
	}
	names <- busy
	close(names)
	all.Wait()
}

// turns are who wrote, as the server shows it.
type turns struct {
	mu  sync.Mutex
	who []string
}

func (s *turns) turns() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.who
}

// await returns when a process has written.
func (s *turns) await(t *testing.T, who string) {
	t.Helper()
	require.Eventually(t, func() bool { return slices.Contains(s.turns(), who) }, 3*time.Minute, 10*time.Millisecond, "%s does not write", who)
}

// writers follows the changes of the busy object.
func (w *world) writers() *turns {
	w.t.Helper()
	s := &turns{}
	stream, err := w.admin.CoreV1().ConfigMaps(w.namespace).Watch(w.t.Context(), metav1.ListOptions{FieldSelector: "metadata.name=" + busy, TimeoutSeconds: new(int64(3600))})
	require.NoError(w.t, err)
	w.t.Cleanup(stream.Stop)
	go func() {
		for event := range stream.ResultChan() {
			cm, ok := event.Object.(*corev1.ConfigMap)
			if !ok || event.Type != watch.Modified {
				continue
			}
			s.mu.Lock()
			if by := cm.Data["by"]; len(s.who) == 0 || s.who[len(s.who)-1] != by {
				s.who = append(s.who, by)
			}
			s.mu.Unlock()
		}
	}()
	return s
}

// field is where processes compete.
type field struct {
	*world
	kubeconfig string
	writers    *turns
}

// competitor is a process.
type competitor struct {
	*exec.Cmd
	t    *testing.T
	name string

	mu     sync.Mutex
	events []string
	heard  chan struct{}
}

// launch starts a process, which does not outlive the test.
func (f *field) launch(name string, env ...string) *competitor {
	f.t.Helper()
	p := &competitor{Cmd: exec.CommandContext(f.t.Context(), os.Args[0], "-test.run", "^$"), t: f.t, name: name, heard: make(chan struct{}, 1)}
	p.Env = append(append(os.Environ(), env...), leaderKubeconfig+"="+f.kubeconfig, leaderNamespace+"="+f.namespace, leaderIdentity+"="+name)
	p.Stderr = os.Stderr
	out, err := p.StdoutPipe()
	require.NoError(f.t, err)
	require.NoError(f.t, p.Start())
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			p.mu.Lock()
			p.events = append(p.events, lines.Text())
			p.mu.Unlock()
			select {
			case p.heard <- struct{}{}:
			default:
			}
		}
	}()
	return p
}

// said returns all that the process said.
func (p *competitor) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.events, "\n")
}

// await returns when the process said something.
func (p *competitor) await(what string) time.Time {
	p.t.Helper()
	late := time.After(2 * time.Minute)
	for {
		for line := range strings.Lines(p.said()) {
			if at, ok := strings.CutPrefix(strings.TrimSpace(line), what+" "); ok {
				nanos, err := strconv.ParseInt(at, 10, 64)
				require.NoError(p.t, err)
				return time.Unix(0, nanos)
			}
		}
		select {
		case <-p.heard:
		case <-late:
			require.FailNow(p.t, "timeout", "%s has not said %q, but %q", p.name, what, p.said())
		}
	}
}
