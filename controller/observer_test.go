package controller_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/test/fault"
)

type spanKey struct{}

// TestObserversSpanTheAttempt as a tracer would: what Started puts into the ctx is there for
// Apply, for the requests of the attempt and for Ended, and several observers nest. Kills: user
// code that gets another ctx, and observers that end in the order in which they started.
func TestObserversSpanTheAttempt(t *testing.T) {
	inBubble(t, func(b *harness) {
		var told []string
		tracer := func(name string) controller.Observer {
			return controller.ObserverFuncs{
				StartedFunc: func(ctx context.Context, a controller.Attempt) context.Context {
					outer, _ := ctx.Value(spanKey{}).(string)
					told = append(told, "start "+outer+name+" "+a.Key.Name+" "+withoutRV(a.Reasons[0]))
					return context.WithValue(ctx, spanKey{}, outer+name)
				},
				EndedFunc: func(ctx context.Context, a controller.Attempt) {
					told = append(told, "end "+name+" in "+ctx.Value(spanKey{}).(string)+" "+string(a.Op))
				},
			}
		}
		b.opts.Workers = 1
		b.opts.Observer = controller.Observers(tracer("1"), nil, tracer("2"))
		b.user.ApplyFunc = func(ctx context.Context, d *deployment) (action, error) {
			told = append(told, "apply in "+ctx.Value(spanKey{}).(string))
			_, err := b.repo.Get(ctx, nsName(d.Name)) // with the ctx of the attempt all the same
			return controller.AwaitChange(), err
		}
		b.start()
		b.settle(time.Minute)
		require.Equal(t, []string{
			"start 1 a Deployment ns/a added", "start 12 a Deployment ns/a added", "apply in 12", "end 2 in 12 apply", "end 1 in 12 apply",
		}, told[:5])
	}, newDeployment("a"))
}

// TestG16EveryStartHasAnEnd also where there is nothing to do, where the attempt fails before
// user code, panics, or runs out of time. Kills: spans that are never closed.
func TestG16EveryStartHasAnEnd(t *testing.T) {
	foreign := newDeployment("foreign")
	foreign.Finalizers = []string{"example.com/other"}
	inBubble(t, func(b *harness) {
		open, starts, hung := 0, 0, false
		var ops []kerr.Op
		b.opts.Workers = 1
		b.opts.Timeout = time.Minute
		b.opts.Observer = controller.ObserverFuncs{
			StartedFunc: func(ctx context.Context, a controller.Attempt) context.Context {
				open++
				starts++
				require.NotEmpty(t, a.UID)
				require.NotEmpty(t, a.Reasons)
				return ctx
			},
			EndedFunc: func(_ context.Context, a controller.Attempt) {
				open--
				ops = append(ops, a.Op)
			},
		}
		b.user.ApplyFunc = func(ctx context.Context, d *deployment) (action, error) {
			switch d.Name {
			case "panics":
				panic("oh")
			case "hangs":
				if hung = !hung; hung { // not the next time: no attempt is under way when all are counted
					<-ctx.Done()
				}
			}
			return controller.AwaitChange(), ctx.Err()
		}
		b.delete("foreign")
		b.start()
		b.settle(time.Hour)
		require.Positive(t, starts)
		require.Zero(t, open)
		require.Contains(t, ops, kerr.OpGet, "what is being deleted and is not ours")
	}, newDeployment("a"), newDeployment("panics"), newDeployment("hangs"), foreign)
}

// TestG16AnObserverThatPanicsIsAloneWithIt: the others are called as if it were not there.
// Kills: one loop over all of them.
func TestG16AnObserverThatPanicsIsAloneWithIt(t *testing.T) {
	for name, bad := range map[string]controller.ObserverFuncs{
		"Started": {StartedFunc: func(context.Context, controller.Attempt) context.Context { panic("in Started") }},
		"Ended":   {EndedFunc: func(context.Context, controller.Attempt) { panic("in Ended") }},
		"Trouble": {TroubleFunc: func(controller.Trouble) { panic("in Trouble") }},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *harness) {
				var calls []string
				called := func(what string) {
					b.mu.Lock()
					defer b.mu.Unlock()
					calls = append(calls, what)
				}
				noted := func(n string) controller.Observer {
					return controller.ObserverFuncs{
						StartedFunc: func(ctx context.Context, _ controller.Attempt) context.Context {
							called("started " + n)
							return context.WithValue(ctx, traced(n), n)
						},
						EndedFunc:   func(ctx context.Context, _ controller.Attempt) { called(fmt.Sprint("ended ", ctx.Value(traced(n)))) },
						TroubleFunc: func(controller.Trouble) { called("trouble " + n) },
					}
				}
				b.opts.Observer = controller.Observers(noted("1"), controller.Observers(bad, noted("2")))
				b.make()
				b.c.Filter(func(_, _ *deployment) bool { panic("a filter") })
				b.run()
				b.settle(time.Second)
				attempts := slices.DeleteFunc(slices.Clone(calls), func(call string) bool { return strings.HasPrefix(call, "trouble") })
				require.Equal(t, []string{"started 1", "started 2", "ended 2", "ended 1"}, attempts[:4])
				b.edit("a", scale(2))
				b.settle(time.Second)
				require.Contains(t, calls, "trouble 1")
				require.Contains(t, calls, "trouble 2")
				require.NotZero(t, b.logs.FilterMessage("Options.Observer panicked").Len())
			}, newDeployment("a"))
		})
	}
}

type traced string

// TestG13AnObserverCannotTakeTheDeadlineAway with context.WithoutCancel, which keeps the values.
func TestG13AnObserverCannotTakeTheDeadlineAway(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.opts.Observer = controller.ObserverFuncs{StartedFunc: func(ctx context.Context, _ controller.Attempt) context.Context {
			return context.WithoutCancel(ctx)
		}}
		var limited atomic.Bool
		b.user.ApplyFunc = func(ctx context.Context, _ *deployment) (action, error) {
			_, has := ctx.Deadline()
			limited.Store(has)
			return controller.AwaitChange(), nil
		}
		b.start()
		require.Equal(t, []string{"apply a"}, b.settle(time.Second))
		require.True(t, limited.Load())
		require.NotZero(t, b.worse(), "and the log says so")
	}, newDeployment("a"))
}

// TestG5AnObserverCannotTakeTheAttemptAway: without it reads would be older than the own
// writes. Kills: a ctx of an observer that is not derived from the attempt's.
func TestG5AnObserverCannotTakeTheAttemptAway(t *testing.T) {
	for name, made := range map[string]func() context.Context{
		"nil":     func() context.Context { return nil },
		"another": context.TODO,
		"another with a deadline": func() context.Context {
			ctx, cancel := context.WithTimeout(context.TODO(), time.Second)
			time.AfterFunc(time.Second, cancel)
			return ctx
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *harness) {
				b.opts.Observer = controller.ObserverFuncs{StartedFunc: func(context.Context, controller.Attempt) context.Context { return made() }}
				b.user.ApplyFunc = func(ctx context.Context, _ *deployment) (action, error) {
					deadline, ok := ctx.Deadline()
					require.True(t, ok)
					require.Greater(t, time.Until(deadline), time.Minute)
					return controller.AwaitChange(), nil
				}
				b.start()
				require.Equal(t, []string{"apply a"}, b.settle(time.Minute))
				require.NotZero(t, b.logs.FilterMessageSnippet("not derived").Len())
			}, newDeployment("a"))
		})
	}
}

// TestG16TroubleIsNoAttempt: a dashboard that counts attempts does not count failed watches.
func TestG16TroubleIsNoAttempt(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.fail(fault.On("*", "deployments.apps").Times(3).Then(fault.Forbidden()))
		b.start()
		b.settle(time.Minute)
		troubles := b.troubled()
		require.NotEmpty(t, troubles)
		require.Equal(t, kerr.OpSync, troubles[0].Op)
		require.Equal(t, "Deployment.apps", troubles[0].Kind.String())
		require.Equal(t, kerr.ClassForbidden, kerr.ClassOf(troubles[0].Err))
		require.Equal(t, "deployment", troubles[0].Controller)
		require.NotZero(t, b.logs.FilterMessage("watch failed").Len())
		for _, a := range b.took() {
			require.NoError(t, a.Err)
		}
	}, newDeployment("a"))
}

// TestAttemptsHaveALogger with the names of their object, for zap and for slog, whichever of
// the two the program has.
func TestAttemptsHaveALogger(t *testing.T) {
	for name, set := range map[string]func(*controller.Options, *bytes.Buffer){
		"a program with zap": func(o *controller.Options, to *bytes.Buffer) { o.Logger = jsonLogger(to) },
		"a program with slog": func(o *controller.Options, to *bytes.Buffer) {
			o.Logger, o.Slog = nil, slog.New(slog.NewJSONHandler(to, nil))
		},
	} {
		t.Run(name, func(t *testing.T) {
			var written bytes.Buffer
			inBubble(t, func(b *harness) {
				set(&b.opts, &written)
				b.opts.Workers = 1
				b.user.ApplyFunc = func(ctx context.Context, _ *deployment) (action, error) {
					controller.Logger(ctx).Info("from zap", zap.Int("n", 1))
					controller.Slog(ctx).Info("from slog", "n", 2)
					return controller.AwaitChange(), kerr.Terminal(errors.New("it broke"))
				}
				b.start()
				b.settle(time.Minute)
			}, newDeployment("a"))
			lines := strings.Split(strings.TrimSpace(written.String()), "\n")
			require.Len(t, lines, 3, written.String())
			for i, msg := range []string{"from zap", "from slog", "attempt failed"} {
				record := map[string]any{}
				require.NoError(t, json.Unmarshal([]byte(lines[i]), &record))
				require.Equal(t, msg, record["msg"])
				require.Equal(t, "deployment", record["controller"])
				require.Equal(t, "ns", record["namespace"])
				require.Equal(t, "a", record["name"])
				require.NotEmpty(t, record["uid"])
			}
		})
	}
}

func TestLoggerOutsideAnAttempt(t *testing.T) {
	require.Equal(t, zap.L(), controller.Logger(t.Context()))
	require.Equal(t, slog.Default(), controller.Slog(t.Context()))
}

func TestOneLoggerOnly(t *testing.T) {
	inBubble(t, func(b *harness) {
		_, err := controller.New(b.repo, b.user, &controller.Options{Logger: zap.NewNop(), Slog: slog.New(slog.NewTextHandler(io.Discard, nil))})
		require.ErrorContains(t, err, "Logger and Slog are both set")
	})
}

// TestG12PanicsOfASlogHandlerAreContained.
func TestG12PanicsOfASlogHandlerAreContained(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.opts.Logger, b.opts.Slog = nil, slog.New(panicsHandler{})
		b.user.ApplyFunc = func(context.Context, *deployment) (action, error) {
			return controller.AwaitChange(), io.ErrUnexpectedEOF
		}
		b.start()
		require.NotEmpty(t, b.settle(time.Second))
	}, newDeployment("a"))
}

type panicsHandler struct{ slog.Handler }

func (h panicsHandler) Enabled(context.Context, slog.Level) bool  { return true }
func (h panicsHandler) WithAttrs([]slog.Attr) slog.Handler        { return h }
func (h panicsHandler) Handle(context.Context, slog.Record) error { panic("in the handler") }

func jsonLogger(to io.Writer) *zap.Logger {
	return zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(to), zap.InfoLevel))
}

func withoutRV(r controller.Reason) string {
	r.ResourceVersion = ""
	return r.String()
}
