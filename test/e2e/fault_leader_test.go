package e2e_test

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

// The lease of these tests is short: how its times compare to each other is what counts, and not how long they are.
const (
	shortLease    = 6 * time.Second
	renewDeadline = 4 * time.Second // of it

	inTime = 5 * time.Second // a process ends in much less, unless the machine is busy
)

// newField is a namespace with a busy object and processes with a short lease.
func newField(t *testing.T) *field {
	t.Helper()
	w := newWorld(t)
	f := &field{world: w, kubeconfig: w.asOperator(), writers: w.writers()}
	w.crowd(0)
	return f
}

// enter starts a process, and waits until it is ready to lead.
func (f *field) enter(name string, env ...string) *competitor {
	f.t.Helper()
	p := f.launch(name, append([]string{leaderLease + "=" + shortLease.String(), leaderApply + "=20ms"}, env...)...)
	p.await("ready")
	return p
}

// writesAfter waits for a write of a process that arrives after a time, and returns when it did.
func (f *field) writesAfter(at time.Time, who ...string) (first audited) {
	f.t.Helper()
	eventually(f.t, fmt.Sprint(who, " write"), func() bool {
		for _, a := range f.audit() {
			if a.write() && a.Received.After(at) && slices.Contains(who, a.UserAgent) {
				first = a
				return true
			}
		}
		return false
	})
	return first
}

// TestFault14ALeaderThatIsStopped stops the one that leads for longer than its lease, several times, at any
// moment of what it does, and lets it go on. It has written nothing since the other began to.
// TestG2RealProcesses does it once, for a minute and with the default lease.
func TestFault14ALeaderThatIsStopped(t *testing.T) {
	t.Parallel()
	f := newField(t)
	processes := []*competitor{f.enter("a"), f.enter("b")}
	lead := f.writesAfter(time.Time{}, "a", "b").UserAgent
	turns := []string{lead}
	for range 3 {
		i := slices.IndexFunc(processes, func(p *competitor) bool { return p.name == lead })
		stopped, other := processes[i], processes[1-i]
		at := time.Now()
		require.NoError(t, stopped.Process.Signal(syscall.SIGSTOP))
		took := f.writesAfter(at, other.name).Received.Sub(at)
		require.Greater(t, took, shortLease-2*time.Second, "not before the lease is over")
		require.NoError(t, stopped.Process.Signal(syscall.SIGCONT))
		time.Sleep(renewDeadline) // of writing together, if it did
		lead = other.name
		turns = append(turns, lead)
	}
	require.Equal(t, turns, f.wrote())
	for _, p := range processes {
		p.ends(inTime)
	}
}

// TestFault15AHandOnTheLease deletes the lease of processes that run, gives it to one that does not exist, and
// to the one that stands by. They never write in the same time, and one works again afterwards.
func TestFault15AHandOnTheLease(t *testing.T) {
	t.Parallel()
	f := newField(t)
	a, b := f.enter("a"), f.enter("b")
	lead := f.writesAfter(time.Time{}, "a", "b").UserAgent
	leases := f.admin.CoordinationV1().Leases(f.namespace)
	give := func(to string) {
		patch := fmt.Appendf(nil, `{"spec":{"holderIdentity":%q,"renewTime":%q}}`, to, time.Now().UTC().Format(metav1.RFC3339Micro))
		_, err := leases.Patch(t.Context(), theLease(f.namespace).Name, types.MergePatchType, patch, metav1.PatchOptions{})
		require.NoError(t, err)
	}
	const stops = 3 * time.Second // RetryPeriod, for a machine that is busy
	hands := []func(){
		func() {
			require.NoError(t, leases.Delete(t.Context(), theLease(f.namespace).Name, metav1.DeleteOptions{}))
		},
		func() { give("stranger") },
		func() { give(map[string]string{"a": "b", "b": "a"}[lead]) },
	}
	for n, hand := range hands {
		at := time.Now()
		hand()
		next := f.writesAfter(at.Add(stops), "a", "b")
		if n > 0 {
			require.Greater(t, next.Received.Sub(at), shortLease-time.Second, "nobody writes until the lease is over: %d", n)
		}
		lead = next.UserAgent
		time.Sleep(2 * time.Second)
	}
	require.LessOrEqual(t, len(f.wrote()), 1+len(hands), "one after the other: %v", f.wrote())
	a.ends(inTime)
	b.ends(inTime)
}

// holder returns who has the lease.
func (f *field) holder() string {
	f.t.Helper()
	lease, err := f.admin.CoordinationV1().Leases(f.namespace).Get(f.t.Context(), theLease(f.namespace).Name, metav1.GetOptions{})
	require.NoError(f.t, err)
	return *lease.Spec.HolderIdentity
}

// untilDenied waits until the API server knows that a service account has no rights any more.
func (w *world) untilDenied(name string) {
	w.t.Helper()
	cfg, err := shared.ServiceAccount(w.t.Context(), w.namespace, name)
	require.NoError(w.t, err)
	client, err := kubernetes.NewForConfig(cfg)
	require.NoError(w.t, err)
	eventually(w.t, "the rights are gone", func() bool {
		_, err := client.CoreV1().ConfigMaps(w.namespace).List(w.t.Context(), metav1.ListOptions{Limit: 1})
		return apierrors.IsForbidden(err)
	})
}

// ends sends SIGTERM and requires that the process ends in order, within a time.
func (p *competitor) ends(within time.Duration) {
	p.t.Helper()
	asked := time.Now()
	require.NoError(p.t, p.Process.Signal(syscall.SIGTERM))
	require.NoError(p.t, p.Wait())
	require.Less(p.t, time.Since(asked), within)
}

// TestFault23SIGTERMInEachPhase: before the caches are full, while another leads, while it leads, and during an
// Apply, whose write is the last one, before the lease is released.
func TestFault23SIGTERMInEachPhase(t *testing.T) {
	t.Parallel()
	f := newField(t)
	rights := f.admin.RbacV1().RoleBindings(f.namespace)
	binding, err := rights.Get(t.Context(), "operator", metav1.GetOptions{})
	require.NoError(t, err)

	require.NoError(t, rights.Delete(t.Context(), "operator", metav1.DeleteOptions{}))
	f.untilDenied("operator")
	early := f.launch("early")
	early.await("refused")
	early.ends(inTime)
	require.NotContains(t, early.said(), "ready")
	binding.ResourceVersion = ""
	_, err = rights.Create(t.Context(), binding, metav1.CreateOptions{})
	require.NoError(t, err)

	leads := f.enter("leads")
	f.writesAfter(time.Time{}, "leads")
	standby := f.enter("standby")
	standby.ends(inTime)
	require.Equal(t, "leads", f.holder(), "who stands by leaves the lease alone")
	leads.ends(inTime)
	require.Empty(t, f.holder())

	slow := f.enter("slow", leaderApply+"=3s")
	slow.await("applies")
	slow.ends(3*time.Second + inTime)
	require.Empty(t, f.holder())
	require.Equal(t, []string{"leads", "slow"}, f.wrote(), "the Apply that ran has written")
	all := f.audit()
	release := all[len(all)-1]
	require.Equal(t, "update", release.Verb)
	require.Equal(t, "leases", release.Object.Resource, "the lease is released after the last write")
	require.Len(t, slices.DeleteFunc(all, func(a audited) bool { return a.UserAgent != "slow" || !a.write() }), 1, "no attempt has begun since")
}

// TestFault23ASecondSIGTERM ends a process at once that waits for its Apply: it writes nothing more, and does not
// release the lease, which runs out.
func TestFault23ASecondSIGTERM(t *testing.T) {
	t.Parallel()
	f := newField(t)
	hurried := f.enter("hurried", leaderApply+"=10s")
	hurried.await("applies")
	next := f.enter("next")
	ended := make(chan error, 1)
	go func() { ended <- hurried.Wait() }()
	at := time.Now()
	for err := error(nil); err == nil; { // one that comes too inTime after another is the same signal
		_ = hurried.Process.Signal(syscall.SIGTERM)
		select {
		case err = <-ended:
			require.ErrorContains(t, err, "signal: terminated")
		case <-time.After(100 * time.Millisecond):
		}
	}
	require.Less(t, time.Since(at), 5*time.Second)
	took := f.writesAfter(at, "next").Received.Sub(at)
	require.Less(t, took, shortLease+5*time.Second)
	require.Equal(t, []string{"next"}, f.wrote())
	next.ends(inTime)
}
