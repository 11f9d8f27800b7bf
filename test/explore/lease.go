package explore

import (
	"bytes"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/kuberator/kuberator/test/fault"
	"github.com/kuberator/kuberator/test/internal/apirequest"
)

// leases are what operators elect a leader by.
const leases = "leases.coordination.k8s.io"

// hinderedFor is how long a process stands still, or cannot reach its lease: longer than leases are
// usually valid, and than another process takes to see that.
const hinderedFor = 40 * time.Second

// severalLeaders are the faults after which two processes may work at once, or believe that they do.
var severalLeaders = []FaultKind{SecondLeader, Paused, NoLease, SlowClock}

// hinder has a process stand still, or cuts it off from its lease, for a time in which another process
// starts.
func (w *world) hinder(p *process, how FaultKind) {
	rule := fault.On("*", leases).Then(fault.Drop())
	if how == Paused {
		rule = fault.On("*", "*").Then(fault.Late(hinderedFor))
	}
	w.startAnother()
	w.mu.Lock()
	if w.hindered = time.Now().Add(hinderedFor); how == SlowClock {
		w.slowClock = p
	}
	w.mu.Unlock()
	if err := p.faults.Add(rule); err != nil {
		w.fail("hinder a process: %v", err)
		return
	}
	w.restarting.Go(func() {
		select {
		case <-time.After(hinderedFor):
			w.history.active()
			p.faults.Remove(rule)
		case <-w.over:
		}
	})
}

// hinderedStill returns for how long a process is hindered.
func (w *world) hinderedStill() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Until(w.hindered)
}

// elects notes that the operator writes a lease.
func (w *wire) elects(asked apirequest.Info) {
	if !asked.Writes() || asked.Resource.GroupResource().String() != leases {
		return
	}
	w.world.mu.Lock()
	defer w.world.mu.Unlock()
	w.world.leased = true
}

// hurry makes the clock of this process fast, as far as leases go, if that of another is slow: a lease
// seems to last two thirds of its time and a second.
func (w *wire) hurry(response *http.Response, asked apirequest.Info) error {
	w.world.mu.Lock()
	slow := w.world.slowClock
	w.world.mu.Unlock()
	if slow == nil || slow == w.process || asked.Verb != "get" || asked.Resource.GroupResource().String() != leases {
		return nil
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	body = leaseLasts.ReplaceAllFunc(body, func(field []byte) []byte {
		seconds, err := strconv.Atoi(string(leaseLasts.FindSubmatch(field)[1]))
		if err != nil || seconds < 3 {
			return field
		}
		return []byte(`"leaseDurationSeconds":` + strconv.Itoa(seconds*2/3+1))
	})
	response.Body, response.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	response.Header.Del("Content-Length")
	return err
}

var leaseLasts = regexp.MustCompile(`"leaseDurationSeconds":\s*([0-9]+)`)
