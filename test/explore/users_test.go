package explore_test

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/explore"
	"github.com/kuberator/kuberator/test/sim"
)

// databases keeps, in a server outside the cluster, a database for each ConfigMap and a user for each
// Secret, with one controller for each kind. mistake is what a test has it do wrong.
type databases[T repository.Object] struct {
	server  *explore.Link
	prefix  string
	value   func(T) string
	mistake string
}

func (d databases[T]) Finalizer() string {
	if d.mistake == "no finalizer" {
		return controller.NoFinalizer
	}
	return "example.com/databases"
}

func (d databases[T]) call(ctx context.Context, op string, obj T, f func(s *store, key string) error) error {
	name := obj.GetNamespace() + "/" + obj.GetName()
	return d.server.Call(ctx, op+" "+d.prefix, name, func() error { return f(d.server.System().(*store), d.prefix+" "+name) })
}

func (d databases[T]) Apply(ctx context.Context, obj T) (controller.Action, error) {
	err := d.call(ctx, "put", obj, func(s *store, key string) error {
		if d.mistake == "twice is an error" && s.has(key) {
			return errExists
		}
		return s.put(key, d.value(obj))
	})
	if d.mistake == "gives up" {
		err = nil
	}
	return controller.AwaitChange(), err
}

func (d databases[T]) Cleanup(ctx context.Context, obj T) (controller.Action, error) {
	return controller.AwaitChange(), d.call(ctx, "remove", obj, func(s *store, key string) error {
		if err := s.remove(key); err != nil && d.mistake == "gone is an error" {
			return err
		}
		return nil
	})
}

type errorText string

func (e errorText) Error() string { return string(e) }

const errExists = errorText("it exists")

func (s *store) has(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.buckets[key]
	return ok
}

func newDatabases(env *explore.Env, mistake string) (explore.Process, error) {
	maps, secrets, err := mapsAndSecrets(env)
	if err != nil {
		return nil, err
	}
	opts := &controller.Options{Logger: env.Logger()}
	value := func(cm *corev1.ConfigMap) string { return cm.Data["k"] }
	ofMaps, err := controller.New(maps, databases[*corev1.ConfigMap]{env.External("server"), "database", value, mistake}, opts)
	if err != nil {
		return nil, err
	}
	password := func(s *corev1.Secret) string { return string(s.Data["password"]) }
	ofSecrets, err := controller.New(secrets, databases[*corev1.Secret]{env.External("server"), "user", password, mistake}, opts)
	if err != nil {
		return nil, err
	}
	return explore.RunFunc(func(ctx context.Context) error { return controller.RunAll(ctx, ofMaps, ofSecrets) }), nil
}

func databasesCase(mistake string) mapCase {
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "u"}, Data: map[string][]byte{"password": []byte("1")}}
	return mapCase{
		Kinds: sim.Core("configmaps", "secrets"), External: map[string]func() explore.External{"server": newStore},
		Invariants: []explore.Invariant{explore.FinalizerBeforeExternal("server", "put database")},
		New:        func(env *explore.Env) (explore.Process, error) { return newDatabases(env, mistake) },
		Script: []explore.Step{
			explore.Create(configMap("a", "k", "1")), explore.Create(secret), explore.Settle(),
			explore.Update("a", set("k", "2")),
			explore.UpdateObject(secret, func(s *corev1.Secret) { s.Data["password"] = []byte("2") }), explore.Settle(),
			explore.DoExternal("server", "an administrator makes a database", func(e explore.External) error { return e.(*store).put("database other", "") }),
			explore.Delete("a"), explore.DeleteObject(secret), explore.Settle(),
		},
	}
}

func TestDatabases(t *testing.T) {
	requireMistakes(t, databasesCase, map[string]string{
		"gives up":          "server: put database default/a: rejected-500",
		"twice is an error": "the operator is wrong without any fault",
		"gone is an error":  "server: remove user default/u: committed+crash",
		"no finalizer":      "nothing is made in server for an object without a finalizer",
	})
}
