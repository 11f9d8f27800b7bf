package journal_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kuberator/kuberator/internal/journal"
)

var errOverrun = errors.New("too long")

func start(parent context.Context) (*journal.Journal, context.Context) {
	a := journal.New(parent, journal.Config{Timeout: time.Minute, Overrun: errOverrun})
	return a, a.Context()
}

func TestG13TheDeadlineOfAnAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, ctx := start(t.Context())
		defer a.End()
		deadline, ok := ctx.Deadline()
		require.True(t, ok)
		require.Equal(t, time.Minute, time.Until(deadline))
		require.NoError(t, ctx.Err())
		derived, cancel := context.WithTimeout(ctx, time.Hour)
		defer cancel()
		later, _ := derived.Deadline()
		require.Equal(t, deadline, later)
		<-derived.Done()
		require.Zero(t, time.Until(deadline))
		require.ErrorIs(t, ctx.Err(), context.DeadlineExceeded)
		require.Equal(t, errOverrun, context.Cause(ctx))
		require.Equal(t, errOverrun, context.Cause(derived))
	})
}

// Kills: a deadline of the attempt that hides an earlier one of its parent's.
func TestG13TheEarliestDeadlineCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for of, want := range map[time.Duration]time.Duration{time.Second: time.Second, time.Hour: time.Minute} {
			parent, cancel := context.WithTimeout(t.Context(), of)
			defer cancel()
			a, ctx := start(parent)
			defer a.End()
			deadline, ok := ctx.Deadline()
			require.True(t, ok)
			require.Equal(t, want, time.Until(deadline))
			began := time.Now()
			<-ctx.Done()
			require.Equal(t, want, time.Since(began))
		}
	})
}

// The timer is made when somebody asks: then it must be the right one.
func TestG13TheDeadlineCountsFromTheBeginning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, ctx := start(t.Context())
		defer a.End()
		time.Sleep(59 * time.Second)
		asked := time.Now()
		<-ctx.Done()
		require.Equal(t, time.Second, time.Since(asked))

		late, ctx := start(t.Context())
		defer late.End()
		time.Sleep(time.Hour)
		require.Equal(t, errOverrun, context.Cause(ctx), "nobody asked before it was over")
	})
}

func TestAContextEndsWithItsParentAndItsAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cause := errors.New("shutdown")
		parent, cancel := context.WithCancelCause(t.Context())
		a, ctx := start(parent)
		derived, stop := context.WithCancel(ctx)
		defer stop()
		cancel(cause)
		<-derived.Done()
		require.Equal(t, cause, context.Cause(ctx))
		a.End()

		a, ctx = start(t.Context())
		require.NoError(t, ctx.Err())
		a.End()
		require.ErrorIs(t, ctx.Err(), context.Canceled)

		a, ctx = start(t.Context())
		a.End()
		require.ErrorIs(t, ctx.Err(), context.Canceled, "also if nobody asked before")
		select {
		case <-ctx.Done():
		default:
			require.Fail(t, "not done")
		}
	})
}

func TestAFailedAttemptCanWriteNothingMore(t *testing.T) {
	a, ctx := start(t.Context())
	defer a.End()
	require.NoError(t, a.Failed())
	cause := errors.New("cannot be read")
	a.Fail(cause)
	a.Fail(errors.New("another"))
	require.Equal(t, cause, context.Cause(ctx))
	require.Equal(t, cause, a.Failed())
}

type key struct{}

func TestAContextHasTheValuesOfItsParent(t *testing.T) {
	a, ctx := start(context.WithValue(t.Context(), key{}, "v"))
	defer a.End()
	require.Equal(t, "v", ctx.Value(key{}))
	require.Same(t, a, journal.From(ctx))
	derived, cancel := context.WithCancel(ctx)
	defer cancel()
	require.Same(t, a, journal.From(derived))
	require.Nil(t, journal.From(t.Context()))
	var none *journal.Journal
	none.Wrote("", journal.Write{})
	none.Unsure(journal.Ref{})
	none.Learned(journal.Write{})
	require.False(t, none.Follows(journal.Ref{}))
	require.Empty(t, none.LastOf(journal.Ref{}.Kind))
}

// An attempt that finds nothing to do costs one allocation.
func TestAnAttemptThatAsksNothingIsCheap(t *testing.T) {
	parent, settings := t.Context(), &journal.Settings{Timeout: time.Minute}
	cost := testing.AllocsPerRun(100, func() {
		a := &journal.Journal{Settings: settings}
		a.Start(parent, time.Now())
		ctx := a.Context()
		_, _ = ctx.Deadline()
		_ = journal.From(ctx)
		a.End()
	})
	require.LessOrEqual(t, cost, 1.0)
}
