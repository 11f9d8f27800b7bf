package leader_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/fault"
)

// TestG2ThousandsOfFailOvers lets two processes fight for the lease, while one after the other ends,
// dies, stands still, loses the way to the lease, or has its requests delayed, and users create,
// change and delete objects. When a process sends a write it leads, and no other does; no object is
// applied after another process has cleaned it up.
func TestG2ThousandsOfFailOvers(t *testing.T) {
	const each = 50 // in one bubble
	runs := 40
	if testing.Short() {
		runs = 1
	}
	for run := range runs {
		t.Run(fmt.Sprint(run), func(t *testing.T) {
			inBubble(t, func(w *world) {
				f := &fight{world: w, random: rand.New(rand.NewPCG(uint64(run), 7)), cleaned: map[types.UID]string{}}
				for range 2 {
					f.enter()
				}
				settle(time.Second)
				for range each {
					f.round()
				}
				f.calmDown()
			})
		})
	}
}

// fight is a world whose processes are disturbed.
type fight struct {
	*world
	random  *rand.Rand
	in      []*process
	entered int

	lock    sync.Mutex
	cleaned map[types.UID]string // by whom
	wrong   []string
	did     []string // to whom
}

// enter starts another process.
func (f *fight) enter() {
	f.entered++
	p := f.process(fmt.Sprintf("p%d", f.entered))
	f.lock.Lock()
	f.in = append(slices.Clone(f.in), p)
	f.lock.Unlock()
	p.cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { return sending{f, p, next} })
	var err error
	p.repo, err = repository.New[corev1.ConfigMap](p.cfg, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
	require.NoError(f.t, err)
	p.options.Grace = 3 * time.Second
	p.user.ApplyFunc = func(ctx context.Context, cm *configMap) (action, error) {
		f.lock.Lock()
		if by := f.cleaned[cm.UID]; by != "" {
			f.wrong = append(f.wrong, fmt.Sprintf("%s: %s applies %s, which %s has cleaned up", time.Now(), p.name, cm.Name, by))
		}
		f.lock.Unlock()
		if cm.Annotations["by"] == p.name {
			return controller.AwaitChange(), nil
		}
		changed := cm.DeepCopy()
		changed.Annotations = map[string]string{"by": p.name}
		_, err := p.repo.Update(ctx, cm, changed)
		return controller.Requeue(time.Second), err
	}
	p.user.CleanupFunc = func(_ context.Context, cm *configMap) (action, error) {
		f.lock.Lock()
		defer f.lock.Unlock()
		f.cleaned[cm.UID] = p.name
		return controller.AwaitChange(), nil
	}
	p.start()
}

// sending looks at who leads when a process sends a write.
type sending struct {
	fight *fight
	p     *process
	next  http.RoundTripper
}

func (s sending) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodGet && !isLease(r) {
		if leaders := s.fight.leading(); len(leaders) != 1 || leaders[0] != s.p.name {
			s.fight.lock.Lock()
			s.fight.wrong = append(s.fight.wrong, fmt.Sprintf("%s: %s sends %s %s, and those that lead are %v", time.Now(), s.p.name, r.Method, r.URL.Path, leaders))
			s.fight.lock.Unlock()
		}
	}
	return s.next.RoundTrip(r)
}

// leading returns who leads of those that are in.
func (f *fight) leading() (names []string) {
	f.lock.Lock()
	in := f.in
	f.lock.Unlock()
	for _, p := range in {
		if p.leads() {
			names = append(names, p.name)
		}
	}
	return names
}

func (f *fight) between(low, high time.Duration) time.Duration {
	return low + time.Duration(f.random.Int64N(int64(high-low)))
}

// round disturbs the one that leads, and waits until one leads again.
func (f *fight) round() {
	f.user()
	time.Sleep(f.between(0, 3*time.Second))
	var at *process
	for _, p := range f.in {
		if p.leads() {
			at = p
		}
	}
	if at != nil {
		f.disturb(at)
	}
	for waited := time.Duration(0); ; waited += 250 * time.Millisecond {
		require.Less(f.t, waited, 3*time.Minute, "nobody leads")
		time.Sleep(250 * time.Millisecond)
		if now := f.leading(); len(now) == 1 && (at == nil || now[0] != at.name || waited > 20*time.Second) {
			break
		}
	}
	for _, p := range f.in {
		p.faults.Clear()
	}
	f.lock.Lock()
	defer f.lock.Unlock()
	require.Empty(f.t, f.wrong[:min(3, len(f.wrong))], "%v", f.did)
}

func (f *fight) disturb(p *process) {
	rule := func(rules ...*fault.Rule) { require.NoError(f.t, p.faults.Add(rules...)) }
	lease, all := "leases.coordination.k8s.io", f.between(time.Millisecond, 40*time.Second)
	how := f.random.IntN(7)
	f.did = append(f.did, fmt.Sprintf("%s %s: %d for %s", time.Now().Format(time.TimeOnly), p.name, how, all))
	switch how {
	case 0: // it ends in order, and comes back
		require.NoError(f.t, p.end())
		p.start()
	case 1: // it crashes
		p.kill()
		f.lock.Lock()
		f.in = slices.DeleteFunc(slices.Clone(f.in), func(q *process) bool { return q == p })
		f.lock.Unlock()
		f.enter()
	case 2: // the way to the lease is cut
		rule(fault.On("*", lease).Then(fault.Drop()))
	case 3: // renewals arrive, and their answers do not
		rule(fault.On("*", lease).Then(fault.CommitThenHang()))
	case 4: // it stands still
		rule(fault.On("*", "*").Then(fault.Late(all)))
	case 5: // its writes are late, and it loses the lease
		rule(fault.On("*", lease).Then(fault.Drop()), fault.On("write", "*").Then(fault.Late(all)))
	case 6: // somebody's hand is on the lease
		require.NoError(f.t, f.admin.CoordinationV1().Leases(theLease.Namespace).Delete(f.t.Context(), theLease.Name, metav1.DeleteOptions{}))
		rule(fault.On("*", lease).Then(fault.Drop()))
	}
}

// user changes objects.
func (f *fight) user() {
	maps := f.admin.CoreV1().ConfigMaps("default")
	for range 3 {
		name := fmt.Sprintf("n%d", f.random.IntN(6))
		_, err := maps.Get(f.t.Context(), name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			f.create(name)
		case f.random.IntN(2) == 0:
			err = maps.Delete(f.t.Context(), name, metav1.DeleteOptions{})
		default:
			_, err = maps.Patch(f.t.Context(), name, types.MergePatchType, fmt.Appendf(nil, `{"data":{"n":"%d"}}`, f.random.Int()), metav1.PatchOptions{})
		}
		if !apierrors.IsNotFound(err) { // it may go at any time
			require.NoError(f.t, err)
		}
	}
}

// calmDown lets the last leader finish, and looks at what is left.
func (f *fight) calmDown() {
	settle(2 * time.Minute)
	now := f.leading()
	require.Len(f.t, now, 1)
	all, err := f.admin.CoreV1().ConfigMaps("default").List(f.t.Context(), metav1.ListOptions{})
	require.NoError(f.t, err)
	for _, cm := range all.Items {
		require.Nil(f.t, cm.DeletionTimestamp, "%s was not cleaned up", cm.Name)
		require.Equal(f.t, now[0], cm.Annotations["by"])
		require.NotEmpty(f.t, cm.Finalizers)
	}
	f.lock.Lock()
	defer f.lock.Unlock()
	require.Empty(f.t, f.wrong)
}
