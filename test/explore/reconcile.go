package explore

import (
	"errors"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/repository"
)

// Reconcile is [Run] in one call, for a controller.Context alone: obj is created, the
// controller that make's Context stands in settles, obj is deleted, and it settles again.
// Of the Case, New is not needed, and Script only if more is to happen than that.
//
//	explore.Reconcile(t, explore.Case[*corev1.ConfigMap]{Kinds: sim.Core("configmaps")}, newHello, obj)
func Reconcile[E any, T interface {
	*E
	repository.Object
}](t *testing.T, c Case[T], make func(env *Env) (controller.Context[T], error), obj T, opts ...Option) {
	t.Helper()
	if make == nil || obj == nil {
		t.Fatal("explore: Reconcile needs a function that makes a Context, and an object")
	}
	c.New = func(env *Env) (Process, error) {
		repo, err := Repository[E, T](env)
		if err != nil {
			return nil, err
		}
		user, err := make(env)
		if err != nil {
			return nil, err
		}
		return controller.New(repo, user, &controller.Options{Logger: env.Logger()})
	}
	if len(c.Script) == 0 {
		name := strings.TrimPrefix(obj.GetNamespace()+"/"+obj.GetName(), "/")
		c.Script = []Step{Create(obj), Settle(), Delete(name), Settle()}
	}
	Run(t, c, opts...)
}

// Repository returns a repository of E over a process's connections, for a kind that
// Case.Scheme knows and Case.Kinds has.
func Repository[E any, T interface {
	*E
	repository.Object
}](env *Env) (*repository.Live[T], error) {
	gvks, _, err := env.world.suite.scheme.ObjectKinds(T(new(E)))
	if err != nil {
		return nil, err
	}
	gvr, namespaced, err := env.mapping(gvks)
	if err != nil {
		return nil, err
	}
	if namespaced {
		return repository.New[E, T](env.Config(), env.world.suite.scheme, gvr)
	}
	return repository.New[E, T](env.Config(), env.world.suite.scheme, gvr, repository.ClusterScoped())
}

// mapping finds the first of some kinds that is served.
func (e *Env) mapping(gvks []schema.GroupVersionKind) (schema.GroupVersionResource, bool, error) {
	var errs []error
	for _, gvk := range gvks {
		gvr, namespaced, err := e.world.mapping(gvk)
		if err == nil {
			return gvr, namespaced, nil
		}
		errs = append(errs, err)
	}
	return schema.GroupVersionResource{}, false, errors.Join(errs...)
}
