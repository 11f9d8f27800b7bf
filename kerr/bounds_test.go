package kerr_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kuberator/kuberator/kerr"
)

// Kills: text that is cut inside a character, which the API server refuses.
func TestS3S4TextIsCutBetweenCharacters(t *testing.T) {
	for limit, want := range map[int]string{6: "aaa…", 7: "aaa…", 8: "aaaä…", 9: "aaaäöü"} {
		require.Equal(t, want, kerr.Text("aaaäöü", limit), "%d", limit)
	}
}

// Kills: the stack of a deep recursion, as a whole, in a log record.
func TestG12TheStackIsBounded(t *testing.T) {
	var recurse func(depth int) error
	recurse = func(depth int) (err error) {
		if depth > 0 {
			return recurse(depth - 1)
		}
		defer func() { err = kerr.Recovered(recover()) }()
		panic("too deep")
	}
	p, ok := errors.AsType[*kerr.PanicError](recurse(1000))
	require.True(t, ok)
	require.NotEmpty(t, p.Stack)
	require.LessOrEqual(t, len(p.Stack), 8<<10)
}
