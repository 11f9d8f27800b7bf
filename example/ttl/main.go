package main

import (
	"errors"
	"flag"
	"fmt"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/event"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/operator"
	"github.com/kuberator/kuberator/repository"
)

// Controller is the controller of one kind.
type Controller = controller.Controller[object, controller.Funcs[object]]

// newController returns the controller for a kind. opts may be nil. It does no I/O.
func newController(cfg *rest.Config, kind schema.GroupVersionKind, events event.Recorder, opts *controller.Options) (*Controller, error) {
	client, err := metadata.NewForConfig(cfg)
	if err != nil {
		return nil, err
	}
	objects := repository.FromMetadata(client, resource(kind), kind)
	r := &reaper{objects, events}
	c, err := controller.New(objects, controller.Funcs[object]{FinalizerName: controller.NoFinalizer, ApplyFunc: r.apply}, opts)
	if err != nil {
		return nil, err
	}
	c.Filter(informer.AnnotationsChanged[object]) // and not each change of a status
	return c, c.Informer().SetTransform(slim)
}

// slim leaves of an object what is needed, as there may be very many of them.
func slim(obj object) object {
	value, ok := obj.Annotations[Annotation]
	obj.Labels, obj.Annotations, obj.OwnerReferences = nil, nil, nil
	if ok {
		obj.Annotations = map[string]string{Annotation: value}
	}
	return obj
}

func resource(kind schema.GroupVersionKind) schema.GroupVersionResource {
	plural, _ := meta.UnsafeGuessKindToResource(kind)
	return plural
}

func main() { operator.Main(program()) }

// program returns the arguments of operator.Main. The flag --kind names the kinds.
func program() (name string, setup operator.Setup, opts *operator.Options) {
	var kinds []schema.GroupVersionKind
	flags := flag.NewFlagSet("ttl", flag.ContinueOnError)
	flags.Func("kind", "a `Kind.version.group` whose objects may expire, such as Job.v1.batch or Pod.v1; may be given several times", func(value string) error {
		kind, err := parse(value)
		kinds = append(kinds, kind)
		return err
	})
	setup = func(p *operator.Process) error {
		if len(kinds) == 0 {
			return errors.New("no kinds: give --kind")
		}
		for _, kind := range kinds {
			options := p.Options()
			options.Name = kind.GroupKind().String() // Job.batch; a kind alone may have two groups
			options.NoStatus = true
			c, err := newController(p.Config, kind, p.Events, options)
			if err != nil {
				return err
			}
			p.Lead(c)
			p.Allow(rbacv1.PolicyRule{APIGroups: []string{kind.Group}, Resources: []string{resource(kind).Resource}, Verbs: []string{"delete"}})
		}
		return nil
	}
	return "ttl.kuberator.dev/ttl", setup, &operator.Options{
		Description: "ttl deletes objects when the time is over that their annotation " + Annotation + " names.",
		Flags:       flags,
	}
}

// parse reads Kind.version.group; the core group has no name.
func parse(value string) (schema.GroupVersionKind, error) {
	kind, _ := schema.ParseKindArg(value)
	if kind == nil {
		kind, _ = schema.ParseKindArg(value + ".")
	}
	if kind == nil {
		return schema.GroupVersionKind{}, fmt.Errorf("%q is not a Kind.version.group", value)
	}
	return *kind, nil
}
