package controller_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kuberator/kuberator/controller"
)

// sweeps is an operator with things outside.
type sweeps struct {
	controller.Funcs[*deployment]
	sweep func(ctx context.Context, list func(context.Context) ([]*deployment, error)) error
}

func (s sweeps) Sweep(ctx context.Context, list func(context.Context) ([]*deployment, error)) error {
	return s.sweep(ctx, list)
}

// TestG3xASweeperSeesWhatExists at the start, after a failure, and rarely. A panic of it is
// a failure.
func TestG3xASweeperSeesWhatExists(t *testing.T) {
	inBubble(t, func(b *harness) {
		var at []time.Duration
		start := time.Now()
		user := sweeps{Funcs: controller.Funcs[*deployment]{FinalizerName: ours}}
		user.sweep = func(ctx context.Context, list func(context.Context) ([]*deployment, error)) error {
			at = append(at, time.Since(start))
			objs, err := list(ctx)
			require.NoError(b.t, err)
			require.Len(b.t, objs, 1)
			_, limited := ctx.Deadline()
			require.True(b.t, limited)
			switch len(at) {
			case 1:
				panic("bug")
			case 2:
				return errors.New("the bucket's API is down")
			default:
				return nil
			}
		}
		c, err := controller.New(b.repo, user, &b.opts)
		require.NoError(b.t, err)
		stop := b.runs(c)
		time.Sleep(9 * time.Hour)
		synctest.Wait()
		stop()
		require.Len(b.t, at, 4)
		require.Equal(b.t, []time.Duration{0, 5 * time.Minute, 10 * time.Minute}, at[:3])
		require.InDelta(b.t, (6 * time.Hour).Hours(), (at[3] - at[2]).Hours(), 1.3)
		require.Len(b.t, b.logs.FilterMessage("sweep failed").All(), 2)
		require.Len(b.t, b.troubled(), 2, "an Observer learns of it too")
	}, newDeployment("a"))
}
