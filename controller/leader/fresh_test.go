package leader_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/repository"
)

// child makes the controller create one Secret with a generated name for each object that has none
// in the cache.
func (p *process) child() {
	p.t.Helper()
	repo, err := repository.New[corev1.Secret](p.cfg, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("secrets"))
	require.NoError(p.t, err)
	secrets, err := informer.New(repo, nil)
	require.NoError(p.t, err)
	clientset := kubernetes.NewForConfigOrDie(p.elector.Config(p.cfg))
	apply := func(ctx context.Context, cm *configMap) (action, error) {
		have, err := secrets.List(ctx)
		if err != nil || len(have) > 0 {
			return controller.AwaitChange(), err
		}
		made := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: cm.Namespace, GenerateName: cm.Name + "-"}}
		if err := repository.SetController(cm, corev1.SchemeGroupVersion.WithKind("ConfigMap"), made); err != nil {
			return action{}, err
		}
		made, err = clientset.CoreV1().Secrets("default").Create(ctx, made, metav1.CreateOptions{})
		if err != nil {
			return action{}, err
		}
		return controller.AwaitChange(), repository.Wrote(ctx, corev1.SchemeGroupVersion.WithKind("Secret"), made)
	}
	p.user.ApplyFunc = apply
	p.c, err = controller.New(p.repo, controller.Funcs[*configMap]{
		FinalizerName: "example.com/cleanup", ApplyFunc: p.noted("apply ", apply), CleanupFunc: p.noted("cleanup ", nil),
	}, &p.options)
	require.NoError(p.t, err)
	controller.References(p.c, secrets)
	p.elector.Lead(p.c)
}

// A standby whose watches are behind when it wins does not begin before they show what the process
// before it did.
// Kills: a warm cache that is trusted.
func TestG6AfterAWinNothingBeginsOnWhatWasBefore(t *testing.T) {
	for name, behind := range map[string]time.Duration{"for a moment": 3 * time.Second, "for ever": time.Hour} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				var both []*process
				for _, name := range []string{"a", "b"} {
					p := w.process(name)
					p.electorOnly()
					p.child()
					both = append(both, p)
					p.start()
					settle(time.Second)
				}
				a, b := both[0], both[1]
				b.session.Watches("secrets").Hold()
				w.create("one")
				settle(time.Second)
				require.Contains(t, a.called(), "apply one")
				require.NoError(t, a.end())
				settle(min(behind, 5*time.Second))
				require.Equal(t, []string{"b"}, w.leaders())
				require.Empty(t, b.called())
				if behind < time.Hour {
					b.session.Watches("secrets").Release()
				}
				settle(10 * time.Minute)
				all, err := w.admin.CoreV1().Secrets("default").List(w.t.Context(), metav1.ListOptions{})
				require.NoError(t, err)
				require.Len(t, all.Items, 1)
				if behind < time.Hour {
					require.Contains(t, b.called(), "apply one")
				}
			})
		})
	}
}

// An object that the standby's cache has and the server has not is not applied: the process before
// cleaned it up.
func TestG6AfterAWinNoObjectIsAppliedThatIsGone(t *testing.T) {
	inBubble(t, func(w *world) {
		w.create("one")
		a := w.process("a").start()
		settle(time.Second)
		b := w.process("b").start()
		settle(time.Second)
		b.session.Watches("configmaps").Hold()
		require.NoError(t, w.admin.CoreV1().ConfigMaps("default").Delete(w.t.Context(), "one", metav1.DeleteOptions{}))
		settle(time.Second)
		require.Equal(t, []string{"apply one", "cleanup one"}, a.called())
		require.NoError(t, a.end())
		settle(5 * time.Second)
		require.Equal(t, []string{"b"}, w.leaders())
		b.session.Watches("configmaps").Release()
		settle(time.Minute)
		require.Empty(t, b.called())
		require.Empty(t, w.writes("b"))
	})
}

// What the process before cleaned up may go from the cache when this one leads, before it was
// looked at.
// Kills: a finalizer that was bypassed because another process removed it.
func TestG6AWinOverADeletionIsNoBypass(t *testing.T) {
	inBubble(t, func(w *world) {
		w.create(numbered("n", 20)...)
		a := w.process("a").start()
		settle(time.Second)
		b := w.process("b")
		b.options.Workers = 1
		b.user.ApplyFunc = func(ctx context.Context, _ *configMap) (action, error) {
			<-time.After(time.Second) // the others wait
			return controller.AwaitChange(), ctx.Err()
		}
		b.start()
		settle(time.Second)
		b.session.Watches("configmaps").Hold()
		for _, name := range numbered("n", 20) {
			require.NoError(t, w.admin.CoreV1().ConfigMaps("default").Delete(w.t.Context(), name, metav1.DeleteOptions{}))
		}
		w.create("live")
		settle(time.Second)
		b.session.Watches("configmaps").ReleaseTo(0)
		require.NoError(t, a.end())
		settle(300 * time.Millisecond)
		b.session.Watches("configmaps").Release()
		settle(time.Minute)
		require.Equal(t, []string{"apply live"}, b.called())
		require.Zero(t, b.logs.FilterMessageSnippet("bypassed").Len())
	})
}
