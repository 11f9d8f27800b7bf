package leader

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/leaderelection/resourcelock"

	"github.com/kuberator/kuberator/internal/fence"
	"github.com/kuberator/kuberator/internal/safelog"
)

// lock is client-go's lock of a lease, and corrects five things in what client-go's elector does
// with it.
//
//   - Whether this process leads is counted from when a renewal was sent. The elector counts from
//     when the answer came, which may be much later.
//   - The elector releases the lease when it is told to end, or could not renew. Here that is
//     refused before the work has ended.
//   - The elector releases the lease of another that took it while this process stood still: it reads the
//     lease, and goes by what it knew before. Here only what was just read counts.
//   - A lease that is deleted, or given to another by hand, is taken at once by the elector. Here
//     it is not taken before the time that the last holder was promised is over.
//   - The elector goes on until its deadline if it finds that another has the lease. Here the work
//     ends at once.
type lock struct {
	resourcelock.Interface
	opts Options

	mu       sync.Mutex
	fence    *fence.Fence // of the term that is competed for, or under way
	idle     bool         // the work of the term has ended
	holder   string       // as last seen
	since    time.Time    // when that holder took it, by the clock of the holder
	raw      []byte       // the lease as last read
	known    bool         // it existed when it was last read or written
	promised time.Time    // another may write until then
	renewed  time.Time    // when the last renewal that succeeded was sent
	err      error        // of the last request
	said     rate.Sometimes
}

var (
	errWorking  = errors.New("the work under the lease has not ended")
	errNotHeld  = errors.New("another process holds the lease")
	errPromised = errors.New("the lease is free before the time that its last holder was promised")
)

// compete begins a term, which is not won yet.
func (l *lock) compete(f *fence.Fence) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fence, l.idle, l.renewed = f, true, time.Time{}
}

// work notes that the work of a term begins or ends.
func (l *lock) work(goesOn bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.idle = !goesOn
}

// Get implements resourcelock.Interface.
func (l *lock) Get(ctx context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	record, raw, err := l.Interface.Get(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.noted(err); err != nil {
		if apierrors.IsNotFound(err) && l.known { // its holder may not have noticed yet
			l.promise(l.opts.LeaseDuration)
			l.known = false
		}
		return record, raw, err
	}
	switch given := record.HolderIdentity == l.Identity() && l.holder != l.Identity(); {
	case record.HolderIdentity == "" && record.LeaseDurationSeconds <= 1: // as client-go releases it
		l.promised = time.Time{}
	case (given || record.HolderIdentity != l.Identity()) && !bytes.Equal(raw, l.raw):
		l.promise(time.Duration(record.LeaseDurationSeconds) * time.Second)
	}
	if record.HolderIdentity != l.Identity() && !l.fence.Until().IsZero() {
		l.fence.Close(fmt.Errorf("%q holds it", record.HolderIdentity))
	}
	l.raw = raw
	l.saw(*record)
	return record, raw, nil
}

// promise must be called with l.mu held.
func (l *lock) promise(d time.Duration) { l.promised = time.Now().Add(d) }

// Create implements resourcelock.Interface.
func (l *lock) Create(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	return l.write(ctx, record, l.Interface.Create)
}

// Update implements resourcelock.Interface. A renewal before its time is left out: the elector acts
// more often, see Options.turn.
func (l *lock) Update(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	l.mu.Lock()
	release := record.HolderIdentity != l.Identity()
	early, working := !l.renewed.IsZero() && time.Since(l.renewed) < l.opts.RetryPeriod, !l.idle
	held := l.holder == l.Identity()
	l.mu.Unlock()
	switch {
	case release && working:
		return errWorking
	case release && !held:
		return errNotHeld
	case !release && early:
		return nil
	}
	return l.write(ctx, record, l.Interface.Update)
}

func (l *lock) write(ctx context.Context, record resourcelock.LeaderElectionRecord, send func(context.Context, resourcelock.LeaderElectionRecord) error) error {
	sent := time.Now()
	l.mu.Lock()
	tooEarly := l.renewed.IsZero() && sent.Before(l.promised)
	l.mu.Unlock()
	if tooEarly {
		return errPromised
	}
	record.RenewTime = metav1.NewTime(sent)
	err := send(ctx, record)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.noted(err); err != nil {
		return err
	}
	if record.HolderIdentity == l.Identity() {
		l.renewed, l.promised = sent, time.Time{}
		l.fence.Renew(sent)
	}
	l.saw(record)
	return nil
}

// noted notes how a request for the lease ended, and says once a minute what keeps this process from competing.
// That the lease does not exist yet, or that another was faster, is not among it. It must be called with l.mu held.
func (l *lock) noted(err error) {
	if l.err = err; err == nil || apierrors.IsNotFound(err) || apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) || errors.Is(err, context.Canceled) {
		return
	}
	l.said.Do(func() {
		l.opts.Logger.Warn("the lease cannot be read or written", safelog.Error(err))
	})
}

// saw must be called with l.mu held.
func (l *lock) saw(record resourcelock.LeaderElectionRecord) {
	l.known = true
	l.holder, l.since = record.HolderIdentity, record.AcquireTime.Time
}
