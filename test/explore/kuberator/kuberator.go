// Package kuberator has what package explore needs for an operator that is written with this library: a
// repository over the connections of a process, and the exploration of a controller.Context in one call.
// Operators that use something else do without it.
package kuberator

import (
	"strings"
	"testing"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/explore"
)

// Reconcile is [explore.Run] in one call, for a controller.Context alone: obj is created, the controller
// that make's Context stands in settles, obj is deleted, and it settles again. Of the Case, New is not
// needed, and Script only if more is to happen than that.
//
//	kuberator.Reconcile(t, explore.Case[*corev1.ConfigMap]{Kinds: sim.Core("configmaps")}, newHello, obj)
func Reconcile[E any, T interface {
	*E
	repository.Object
}](t *testing.T, c explore.Case[T], make func(env *explore.Env) (controller.Context[T], error), obj T, opts ...explore.Option) {
	t.Helper()
	if make == nil || obj == nil {
		t.Fatal("explore: Reconcile needs a function that makes a Context, and an object")
	}
	c.New = func(env *explore.Env) (explore.Process, error) {
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
		c.Script = []explore.Step{explore.Create(obj), explore.Settle(), explore.Delete(name), explore.Settle()}
	}
	explore.Run(t, c, opts...)
}

// Repository returns a repository of E over a process's connections, for a kind that
// Case.Scheme knows and Case.Kinds has.
func Repository[E any, T interface {
	*E
	repository.Object
}](env *explore.Env) (*repository.Live[T], error) {
	gvks, _, err := env.Scheme().ObjectKinds(T(new(E)))
	if err != nil {
		return nil, err
	}
	gvr, namespaced, err := env.Mapping(gvks...)
	if err != nil {
		return nil, err
	}
	if namespaced {
		return repository.New[E, T](env.Config(), env.Scheme(), gvr)
	}
	return repository.New[E, T](env.Config(), env.Scheme(), gvr, repository.ClusterScoped())
}
