package e2e_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/example/configmirror"
)

// instance is a running operator.
type instance struct {
	wire   *wire
	log    *observer.ObservedLogs
	cancel context.CancelFunc
	done   chan error
}

// start runs the operator as its service account, over the wire.
func start(t *testing.T, w *wire, opts controller.Options) *instance {
	t.Helper()
	return startAt(t, w, opts, zapcore.InfoLevel)
}

// startAt is start, with a log that begins at the level.
func startAt(t *testing.T, w *wire, opts controller.Options, level zapcore.Level) *instance {
	t.Helper()
	i, err := begin(t.Context(), w, opts, level)
	require.NoError(t, err)
	return i
}

func begin(ctx context.Context, w *wire, opts controller.Options, level zapcore.Level) (*instance, error) {
	core, log := observer.New(level)
	opts.Logger = zap.New(core)
	cfg := rest.CopyConfig(env.account)
	cfg.Wrap(w.wrap)
	c, err := configmirror.New(cfg, &opts)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	i := &instance{wire: w, log: log, cancel: cancel, done: make(chan error, 1)}
	go func() { i.done <- c.Run(ctx) }()
	return i, nil
}

// stop ends the operator in order.
func (i *instance) stop(t *testing.T) {
	t.Helper()
	i.cancel()
	require.NoError(t, <-i.done)
}

// operate runs the operator until the test ends, when it must not have been refused
// anything, nor logged an error.
func operate(t *testing.T) *instance {
	t.Helper()
	i := start(t, newWire(), controller.Options{})
	t.Cleanup(func() {
		i.cancel()
		require.NoError(t, <-i.done)
		_, forbidden := i.wire.seen()
		require.Empty(t, forbidden, "requests that the role does not allow")
		require.Empty(t, i.log.All(), "records in the log")
	})
	return i
}

// eventually calls check until it finds nothing wrong, or for too long.
func eventually(t *testing.T, check func(ctx context.Context) error) {
	t.Helper()
	poll(t, 10*time.Millisecond, 30*time.Second, check)
}

// poll calls check until it finds nothing wrong, or for longer than patience.
func poll(t *testing.T, interval, patience time.Duration, check func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		err := check(ctx)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			require.NoError(t, err, "still, after %s", patience)
		case <-tick.C:
		}
	}
}
