package explore

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/kuberator/kuberator/test/internal/apirequest"
)

// slowness is what takes time in a run. Runs without faults that differ in it show what depends on time,
// and what depends on who is first.
type slowness int

const (
	atOnce         slowness = iota // nothing takes any time
	slowRequests                   // each request does
	slowWatches                    // what watches show comes late, for each kind by another time
	slowWatchesToo                 // the same, with another kind first
)

const (
	requestTakes = 1300 * time.Millisecond
	watchTakes   = 20 * time.Millisecond // times 1 to 5: enough to be second, too little for most times to differ
)

// What an operator does at most in one instant of virtual time, in which it cannot wait for anything,
// and what it writes at most in a run: beyond that it is in a loop that would never end.
const (
	mostWritesAtOnce   = 1_000 // of one name
	mostReadsAtOnce    = 10_000
	mostRequestsAtOnce = 50_000
	mostWritesInARun   = 2_000 // of one name: more could not be explored either, as each is tried in ten ways
	lastShown          = 5
)

// rush counts a process's requests in an instant.
type rush struct {
	mu      sync.Mutex
	instant time.Time
	all     int
	named   map[string]int
	last    []string
}

// add counts a request, and returns what is wrong if there are too many.
func (r *rush) add(name string, writes bool) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := time.Now(); now != r.instant {
		r.instant, r.all, r.named, r.last = now, 0, map[string]int{}, nil
	}
	r.all++
	r.named[name]++
	r.last = append(r.last, name)
	r.last = r.last[max(len(r.last)-lastShown, 0):]
	most := mostReadsAtOnce
	if writes {
		most = mostWritesAtOnce
	}
	switch {
	case r.named[name] > most:
		return fmt.Sprintf("%d times %s", most, name)
	case r.all > mostRequestsAtOnce:
		return fmt.Sprintf("%d requests", mostRequestsAtOnce)
	}
	return ""
}

// recent are the last requests.
func (r *rush) recent() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.last, "; ")
}

// takeTime lets a request take its time.
func (w *wire) takeTime(ctx context.Context) error {
	if w.world.limits.slow != slowRequests {
		return nil
	}
	return pause(ctx, requestTakes)
}

// rushes stops a process that sends too much in one instant.
func (w *wire) rushes(asked apirequest.Info) bool {
	much := w.rush.add(w.world.history.sameInEachRun(written{asked}.String()), asked.Writes())
	if much == "" {
		return false
	}
	w.world.fail("hot loop: %s in one instant, %s after the run began, without anything in between that takes time. The last requests: %s",
		much, time.Since(w.world.trace.began).Round(time.Millisecond), w.rush.recent())
	w.world.silence(w.process)
	return true
}

// tooMany stops a process that writes the same again and again, with time in between.
func (w *wire) tooMany(at point) bool {
	if at.n <= mostWritesInARun {
		return false
	}
	w.world.fail("the operator never settles: %d times %s, %s after the run began", mostWritesInARun, at.name, time.Since(w.world.trace.began).Round(time.Second))
	w.world.silence(w.process)
	return true
}

// silence cuts a process off for the rest of the run.
func (w *world) silence(p *process) {
	w.mu.Lock()
	p.crashed = true
	w.mu.Unlock()
	p.session.Sever()
}
