package explore

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// A goroutine that waits for a lock is named, and one that waits for time is not.
func TestStandstill(t *testing.T) {
	var mu sync.Mutex
	mu.Lock()
	said := make(chan string)
	var bubble atomic.Value
	bubble.Store("")
	go func() { // outside of the bubble, as a real timer
		for {
			if text := standstill(bubble.Load().(string)); strings.Contains(text, "These wait") {
				mu.Unlock()
				said <- text
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	synctest.Test(t, func(*testing.T) {
		bubble.Store(thisBubble())
		go time.Sleep(time.Hour)
		waitForLock(&mu)
		time.Sleep(2 * time.Hour)
	})
	text := <-said
	require.Contains(t, text, "waitForLock")
	require.NotContains(t, text, "time.Sleep")
}

func waitForLock(mu *sync.Mutex) {
	mu.Lock()
	defer mu.Unlock()
}
