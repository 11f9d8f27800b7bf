package e2e_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zapcore"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/kerr"
)

// TestG3CrashAtEveryWrite ends the operator at each of its writes in turn, once
// before the server got the write and once after, when only the answer is lost. A
// fresh instance takes over.
func TestG3CrashAtEveryWrite(t *testing.T) {
	for _, delivered := range []bool{false, true} {
		t.Run(fmt.Sprintf("delivered=%t", delivered), func(t *testing.T) {
			s := newStory(t, fmt.Sprintf("crash-%t", delivered))
			crashes := 0
			for s.crashAt(t, crashes+1, delivered) {
				crashes++
				require.Less(t, crashes, 100, "the story does not need that many writes")
			}
			// finalizer, 4 copies, status; 4 copies; 2 deletions, status; 2 deletions, finalizer
			require.GreaterOrEqual(t, crashes, 16)
			t.Logf("survived %d crashes", crashes)
		})
	}
}

// crashAt tells the story to an operator that crashes at its k-th write. It returns
// false if that did not happen, since the operator needs fewer.
func (s *storyteller) crashAt(t *testing.T, k int, delivered bool) (crashed bool) {
	t.Helper()
	w := newWire()
	w.crashAt, w.delivered = k, delivered
	first := start(t, w, crashing())
	over, successor := make(chan struct{}), make(chan *instance, 1)
	go func() { successor <- takeOver(t, first, over) }()
	s.tell(t)
	if w.reached() {
		<-w.dead // perhaps only now, with the answer to the very last write
	} else {
		close(over)
	}
	second := <-successor
	if second == nil {
		first.stop(t)
		return false
	}
	second.stop(t)
	for _, entry := range second.log.All() {
		require.NotEqual(t, kerr.ClassConflict.String(), entry.ContextMap()["class"], "%v", entry.ContextMap())
	}
	return true
}

// takeOver returns the successor of an instance that crashes, or nil if the story is
// over before.
func takeOver(t *testing.T, first *instance, over <-chan struct{}) *instance {
	select {
	case <-first.wire.dead:
		first.cancel()
		if err := <-first.done; err != nil {
			t.Errorf("the crashed instance did not end: %v", err)
		}
		second, err := begin(t.Context(), newWire(), crashing(), zapcore.InfoLevel)
		if err != nil {
			t.Errorf("start a second instance: %v", err)
		}
		return second
	case <-over:
		return nil
	}
}

// crashing are the options of an instance that crashes: one mirror at a time, so
// that the writes have an order, and no patience with its own end.
func crashing() controller.Options {
	return controller.Options{Workers: 1, Grace: time.Second}
}
