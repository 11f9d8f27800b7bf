package operator

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/repository"
)

func configMap(name string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}}
}

// running is a process that runs.
type running struct {
	cancel context.CancelFunc
	ended  chan error
}

func (w *world) start(t *testing.T, setup Setup, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{cancel, make(chan error, 1)}
	go func() { r.ended <- w.run(ctx, setup, args...) }()
	return r
}

func (r *running) end() error {
	r.cancel()
	return <-r.ended
}

// Kills: two replicas that both work; a lease that is kept by a process that has ended.
func TestG2OneOfTwoReplicasWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var applied []string
		by := func(who string) Setup {
			return applying(func(cm *corev1.ConfigMap) error {
				applied = append(applied, who+" "+cm.Name)
				return nil
			})
		}
		first := w.start(t, by("first"), silent()...)
		synctest.Wait()
		second := w.start(t, by("second"), silent()...)
		_, err := w.configMaps.Create(t.Context(), configMap("a"))
		require.NoError(t, err)
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(t, []string{"first a"}, applied)
		require.NoError(t, first.end())
		time.Sleep(time.Second)
		synctest.Wait()
		require.Equal(t, []string{"first a", "second a"}, applied)
		require.NoError(t, second.end())
	})
}

func TestFlagsReachTheController(t *testing.T) {
	w := newWorld(t)
	p := w.make(t, applying(nothing), silent("--workers=3", "--namespaces=default")...)
	require.Equal(t, 3, p.Options().Workers)
	require.Equal(t, []string{"default"}, p.Options().Informer.Namespaces)
}

// The namespace of the lease is that of the Pod, and the rate of requests is for the API server to limit.
func TestTarget(t *testing.T) {
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, os.WriteFile(kubeconfig, []byte(`{clusters: [{name: c, cluster: {server: "https://api"}}], contexts: [{name: c, context: {cluster: c}}], current-context: c}`), 0o600))
	target := func(args ...string) (*Process, *rest.Config) {
		p, err := newProcess(theName, append(args, "--kubeconfig="+kubeconfig), nil, nil)
		require.NoError(t, err)
		cfg, err := p.target()
		require.NoError(t, err)
		return p, cfg
	}
	p, cfg := target()
	require.Equal(t, "shop-operator-system/shop-operator", p.lease.String())
	require.Contains(t, cfg.UserAgent, "shop-operator/")
	require.InDelta(t, -1, cfg.QPS, 0)
	t.Setenv("POD_NAMESPACE", "in-pod")
	p, _ = target()
	require.Equal(t, "in-pod/shop-operator", p.lease.String())
	p, _ = target("--leader-elect-namespace=elsewhere")
	require.Equal(t, "elsewhere/shop-operator", p.lease.String())
}

// held is an object with the finalizer.
func held(t *testing.T, w *world) *corev1.ConfigMap {
	t.Helper()
	obj := configMap("held")
	obj.Finalizers = []string{finalizing}
	obj, err := w.configMaps.Create(t.Context(), obj)
	require.NoError(t, err)
	return obj
}

func (w *world) finalizers(t *testing.T, obj *corev1.ConfigMap) []string {
	t.Helper()
	live, err := w.configMaps.Get(t.Context(), repository.Key(obj))
	require.NoError(t, err)
	return live.Finalizers
}

// Kills: --uninstall that gives up after one round, or that leaves a finalizer.
func TestS8UninstallReleasesAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		obj, tries := held(t, w), 0
		require.NoError(t, w.run(t.Context(), shop(controller.Funcs[*corev1.ConfigMap]{
			FinalizerName: finalizing,
			CleanupFunc: func(context.Context, *corev1.ConfigMap) (controller.Action, error) {
				if tries++; tries < 3 {
					return controller.Requeue(time.Second), nil
				}
				return controller.AwaitChange(), nil
			},
		}), silent("--uninstall")...))
		require.Equal(t, 3, tries)
		require.Empty(t, w.finalizers(t, obj))
	})
}

// Kills: --uninstall that ends well though not all is released.
func TestS8UninstallThatIsInterruptedSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		obj := held(t, w)
		never := shop(controller.Funcs[*corev1.ConfigMap]{FinalizerName: finalizing, CleanupFunc: func(context.Context, *corev1.ConfigMap) (controller.Action, error) {
			return controller.AwaitChange(), errors.New("never")
		}})
		r := w.start(t, never, silent("--uninstall")...)
		time.Sleep(time.Minute)
		err := r.end()
		require.ErrorContains(t, err, "uninstall: it was ended before all was released")
		require.ErrorContains(t, err, "never")
		require.Equal(t, []string{finalizing}, w.finalizers(t, obj))

		require.ErrorContains(t, w.run(t.Context(), func(p *Process) error {
			p.EachReplica(controller.RunnerFunc(func(context.Context) error { return nil }))
			return nil
		}, silent("--uninstall")...), "no runner has a method ReleaseAll")
	})
}

// Kills: an uninstall beside a replica that works, which puts the finalizers on again; one that waits without
// a word.
func TestS8UninstallWaitsForTheReplicasToStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		cleaned := 0
		user := controller.Funcs[*corev1.ConfigMap]{FinalizerName: finalizing, CleanupFunc: func(context.Context, *corev1.ConfigMap) (controller.Action, error) {
			cleaned++
			return controller.AwaitChange(), nil
		}}
		obj, err := w.configMaps.Create(t.Context(), configMap("a"))
		require.NoError(t, err)
		replica := w.start(t, shop(user), silent()...)
		synctest.Wait()
		require.Equal(t, []string{finalizing}, w.finalizers(t, obj))
		var uninstall *running
		out := said(t, func() {
			uninstall = w.start(t, shop(user), silent("--uninstall")...)
			time.Sleep(time.Minute)
		})
		require.Contains(t, out, "uninstall: waiting for the lease: stop all replicas")
		require.Zero(t, cleaned)
		require.NoError(t, replica.end())
		require.NoError(t, <-uninstall.ended)
		require.Equal(t, 1, cleaned)
		require.Empty(t, w.finalizers(t, obj))
	})
}

// Kills: an uninstall that says that all is well, while a replica that stood by puts the finalizers on again.
func TestS8UninstallTellsOfAReplicaThatStoodBy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		obj := held(t, w)
		cleaning := make(chan struct{})
		user := controller.Funcs[*corev1.ConfigMap]{FinalizerName: finalizing, CleanupFunc: func(context.Context, *corev1.ConfigMap) (controller.Action, error) {
			<-cleaning
			return controller.AwaitChange(), nil
		}}
		uninstall := w.start(t, shop(user), silent("--uninstall")...)
		time.Sleep(10 * time.Second)
		replica := w.start(t, shop(user), silent()...)
		time.Sleep(10 * time.Second)
		close(cleaning)
		require.ErrorContains(t, <-uninstall.ended, "has begun to work since: stop all replicas, and uninstall again")
		require.Equal(t, []string{finalizing}, w.finalizers(t, obj))
		require.NoError(t, replica.end())
		require.NoError(t, w.run(t.Context(), shop(user), silent("--uninstall")...))
		require.Empty(t, w.finalizers(t, obj))
	})
}

// Kills: a controller that runs on each replica and is not uninstalled; an error without a reason.
func TestS8UninstallIsOfAllControllers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		obj := held(t, w)
		user := shop(controller.Funcs[*corev1.ConfigMap]{FinalizerName: finalizing})
		setup := func(p *Process) error {
			err := user(p)
			p.EachReplica(p.leads...)
			p.leads = nil
			return err
		}
		require.NoError(t, w.run(t.Context(), setup, silent("--uninstall")...))
		require.Empty(t, w.finalizers(t, obj))
		out := said(t, func() {
			r := w.start(t, func(p *Process) error {
				p.Lead(wrong{})
				return nil
			}, silent("--uninstall")...)
			time.Sleep(10 * time.Second)
			require.ErrorContains(t, r.end(), "wired wrongly")
		})
		require.Contains(t, out, `trying again","error":"wired wrongly"`)
	})
}

type wrong struct{ controller.RunnerFunc }

func (wrong) ReleaseAll(context.Context) error { return errors.New("wired wrongly") }

// Kills: an address that is taken is not told of; a process that works on without its probes.
func TestAnAddressThatIsTakenIsAnError(t *testing.T) {
	w := newWorld(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	require.ErrorContains(t, w.run(t.Context(), applying(nothing), silent("--health-addr="+taken.Addr().String())...), "serve HTTP: listen tcp ")
}

func TestErrorsOfSetup(t *testing.T) {
	w := newWorld(t)
	broken := errors.New("broken")
	require.ErrorIs(t, w.run(t.Context(), func(*Process) error { return broken }, silent()...), broken)
	require.ErrorContains(t, w.run(t.Context(), func(*Process) error { return nil }, silent()...), "give the controllers to Lead")
	require.ErrorContains(t, Run(t.Context(), theName, []string{"--kubeconfig=/absent"}, applying(nothing), nil, io.Discard), "find out which cluster to work on")
}

// Clients that are no repositories do not write while another replica leads.
func TestG2LeaderConfig(t *testing.T) {
	w := newWorld(t)
	write := func(args ...string) error {
		p := w.make(t, applying(nothing), silent(args...)...)
		repo, err := repository.New[corev1.ConfigMap](p.LeaderConfig(), p.opts.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
		require.NoError(t, err)
		_, err = repo.Create(t.Context(), configMap("a"))
		return err
	}
	require.ErrorContains(t, write(), "lease")
	require.NoError(t, write("--leader-elect=false"))
	require.True(t, apierrors.IsAlreadyExists(write("--leader-elect=false")))
}

// Kills: a line of the log that is no record, since somebody wrote line breaks; a level that klog does not obey.
func TestS4RecordsAreLines(t *testing.T) {
	const hostile = "one\ntwo\r\x1b[31mthree"
	for _, format := range []string{"json", "text"} {
		for level, want := range map[string]int{"debug": 4, "info": 3, "error": 1} {
			out := said(t, func() {
				p, err := newProcess(theName, []string{"--log-format", format, "--log-level", level}, nil, nil)
				require.NoError(t, err)
				before := slog.Default()
				defer slog.SetDefault(before)
				defer klog.ClearLogger()
				p.ownProcess()
				slog.Debug(hostile)
				slog.Info("at slog", "value", hostile)
				klog.Infof("at klog: %s", hostile)
				klog.ErrorS(errors.New(hostile), "at klog")
				for level := range 10 {
					klog.FromContext(t.Context()).WithName("n").WithValues("k", "v").V(level+1).Info("Request Body", "body", "tiger")
				}
			})
			lines := strings.Split(out, "\n")
			require.Len(t, lines, want, "%s %s:\n%s", format, level, out)
			for _, line := range lines {
				require.NotContains(t, line, "\x1b")
				require.NotContains(t, line, "\r")
				if format == "json" {
					require.True(t, json.Valid([]byte(line)), line)
				}
			}
		}
	}
}
