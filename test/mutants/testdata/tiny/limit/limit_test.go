package limit

import (
	"os"
	"testing"
)

func TestLimited(t *testing.T) {
	t.Run("below", func(t *testing.T) {
		if got := Limited(3, 5); got != 3 {
			t.Fatalf("got %d", got)
		}
	})
}

// TestDouble looks at nothing.
func TestDouble(t *testing.T) {
	Double(2)
}

func TestWait(t *testing.T) {
	done := make(chan struct{})
	close(done)
	Wait(done)
}

func TestRed(t *testing.T) {
	if os.Getenv("RED") != "" {
		t.Fatal("red anyway")
	}
}
