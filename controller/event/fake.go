package event

import (
	"fmt"
	"slices"
	"sync"

	"github.com/kuberator/kuberator/internal/nilness"
)

// FakeRecorder is a [Recorder] for tests. It keeps what is recorded. The zero value is ready.
type FakeRecorder struct {
	mu   sync.Mutex
	seen []Recorded
}

// Recorded is an event that a FakeRecorder was given.
type Recorded struct {
	About, Related Object // as they were given; they may change afterwards
	Reason         Reason // as it was given
	Note           string // formatted and cut, as it would be sent
	Err            error  // why a Broadcaster would not send it, or nil
}

// String is for the text of a failed test: "Warning Failed default/a: the note".
func (r Recorded) String() string {
	if r.Err != nil {
		return fmt.Sprintf("not recorded: %v", r.Err)
	}
	key := r.About.GetName()
	if namespace := r.About.GetNamespace(); namespace != "" {
		key = namespace + "/" + key
	}
	return fmt.Sprintf("%s %s %s: %s", r.Reason.Type(), r.Reason.Name(), key, r.Note)
}

// Eventf implements [Recorder].
func (f *FakeRecorder) Eventf(about, related Object, reason Reason, note string, args ...any) {
	err := reason.check()
	if nilness.Is(about) {
		err = errNil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen = append(f.seen, Recorded{About: about, Related: related, Reason: reason, Note: formatted(note, args), Err: err})
}

// Events returns all events so far, in their order.
func (f *FakeRecorder) Events() []Recorded {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.seen)
}

// Count returns how many events had the reason so far.
func (f *FakeRecorder) Count(reason Reason) (n int) {
	for _, e := range f.Events() {
		if e.Reason == reason {
			n++
		}
	}
	return n
}
