package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/example/configmirror"
	"github.com/kuberator/kuberator/example/configmirror/api/v1alpha1"
	"github.com/kuberator/kuberator/repository"
)

// patience is how long a step may take; it takes milliseconds.
const patience = 30 * time.Second

// stage is where the operator and its audience meet.
type stage struct {
	place      *place
	n          *narrator
	mirrors    *repository.Live[*v1alpha1.ConfigMirror]
	configMaps *repository.Live[*corev1.ConfigMap]
	namespaces *repository.Live[*corev1.Namespace]
	account    *rest.Config // of the operator
	deployment *deployment
	updates    atomic.Int64 // of mirrors
}

// newStage installs the operator, and prepares it and its audience.
func newStage(ctx context.Context, p *place, n *narrator) (*stage, error) {
	account, err := p.install(ctx, n)
	if err != nil {
		return nil, err
	}
	s := &stage{place: p, n: n, account: account}
	known := runtime.NewScheme()
	if err := errors.Join(corev1.AddToScheme(known), v1alpha1.AddToScheme(known)); err != nil {
		return nil, err
	}
	if s.configMaps, err = repository.New[corev1.ConfigMap](p.admin, known, corev1.SchemeGroupVersion.WithResource("configmaps")); err != nil {
		return nil, err
	}
	if s.namespaces, err = repository.New[corev1.Namespace](p.admin, known, corev1.SchemeGroupVersion.WithResource("namespaces"), repository.ClusterScoped()); err != nil {
		return nil, err
	}
	if s.mirrors, err = repository.New[v1alpha1.ConfigMirror](p.admin, known, v1alpha1.Resource(), repository.ClusterScoped()); err != nil {
		return nil, err
	}
	return s, nil
}

// start runs the operator and what tells of its work, until end is called.
func (s *stage) start(ctx context.Context) (end func() error, err error) {
	if err := s.setScene(ctx); err != nil {
		return nil, err
	}
	// Ctrl-C must not stop the operator before it has cleaned up.
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stopTelling, err := s.tell(work)
	if err != nil {
		cancel()
		return nil, err
	}
	if s.deployment, err = deploy(s.account, s.n); err != nil {
		cancel()
		return nil, errors.Join(err, stopTelling())
	}
	s.n.say(operator, "two replicas run as service account %s/%s", configmirror.Namespace, configmirror.ServiceAccount)
	return func() error {
		err := s.deployment.end()
		cancel()
		s.n.say(operator, "stopped")
		return errors.Join(err, stopTelling())
	}, nil
}

// strike takes away what the demo brought into another person's cluster. The local one goes as a
// whole.
func (s *stage) strike(ctx context.Context) error {
	if s.place.ours {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if err := s.deleteMirror(ctx); err != nil {
		return err
	}
	for _, namespace := range namespaces {
		err := s.namespaces.Delete(ctx, namespaceOf(namespace))
		if err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("delete namespace %s: %w", namespace, err)
		}
	}
	s.n.say(stageHand, "deleting the namespaces of the demo")
	return s.until(ctx, "the namespaces of the demo to be gone", s.noNamespace)
}

func (s *stage) noNamespace(ctx context.Context) error {
	for _, namespace := range namespaces {
		_, err := s.namespaces.Get(ctx, types.NamespacedName{Name: namespace})
		if err == nil {
			return fmt.Errorf("namespace %s is still there", namespace)
		}
		if !apierrors.IsNotFound(err) {
			return err
		}
	}
	return nil
}

// deleteMirror returns when the mirror is gone, which it is when its copies are.
func (s *stage) deleteMirror(ctx context.Context) error {
	live, err := s.mirrors.Get(ctx, mirrorKey())
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err == nil {
		err = s.mirrors.Delete(ctx, live)
	}
	if err != nil {
		return err
	}
	return s.until(ctx, "the mirror to be gone", func(ctx context.Context) error {
		live, err := s.mirrors.Get(ctx, mirrorKey())
		switch {
		case apierrors.IsNotFound(err):
			return nil
		case err != nil:
			return err
		default:
			return fmt.Errorf("it still has the finalizers %q", live.Finalizers)
		}
	})
}
