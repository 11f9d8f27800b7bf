package explore

import (
	"context"
	"fmt"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
)

// Step is something that happens in a Script, other than what the operator does.
type Step interface {
	fmt.Stringer
	run(ctx context.Context, u *user) error
}

// Create creates an object of any kind that the server serves. Without a namespace, the
// object of a namespaced kind is created in "default".
func Create(object runtime.Object) Step { return createStep{object} }

type createStep struct{ object runtime.Object }

func (s createStep) String() string { return "create " + describe(s.object) }

func (s createStep) run(ctx context.Context, u *user) error {
	o, err := u.untyped(s.object)
	if err != nil {
		return err
	}
	in, err := u.client(o)
	if err != nil {
		return err
	}
	_, err = in.Create(ctx, o, metav1.CreateOptions{})
	return err
}

// Update changes the object of T of a name, or of namespace/name, with the function. A
// conflict is tried again.
func Update[T Object](name string, change func(T)) Step {
	return updateStep{name: name, change: typed(change)}
}

// UpdateStatus is [Update] of the status subresource, as another controller would write it.
func UpdateStatus[T Object](name string, change func(T)) Step {
	return updateStep{name: name, change: typed(change), subresources: []string{"status"}}
}

// UpdateObject is [Update] of an object of any kind. Of the object given, only kind, namespace and
// name matter. If it does not exist yet, the step waits for it, for 10 minutes of virtual time: the
// operator may have to create it. With [IfExists] it does not.
func UpdateObject[O Object](object O, change func(O)) Step {
	return updateStep{object: object, change: typed(change)}
}

// UpdateObjectStatus is [UpdateObject] of the status subresource, as the object's own controller would
// write it. See also [DeploymentAvailable], [JobComplete], [JobFailed] and [PodRunning].
func UpdateObjectStatus[O Object](object O, change func(O)) Step {
	return updateStep{object: object, change: typed(change), subresources: []string{"status"}}
}

// IfExists is an update or a deletion that does nothing if the object does not exist. Any other step
// stays as it is.
func IfExists(step Step) Step {
	switch s := step.(type) {
	case updateStep:
		s.optional = true
		return s
	case deleteStep:
		s.optional = true
		return s
	default:
		return step
	}
}

// Irreversible is an update that cannot be undone, so that no plan has it undone (see [Revert]): that a
// Job has finished, for instance. Any other step stays as it is.
func Irreversible(step Step) Step {
	if s, ok := step.(updateStep); ok {
		s.final = true
		return s
	}
	return step
}

// appearsWithin is how long a step waits for an object that the operator has to create.
const appearsWithin = 10 * time.Minute

type updateStep struct {
	name         string
	object       runtime.Object // nil: of T
	change       func(*unstructured.Unstructured) error
	subresources []string
	optional     bool
	final        bool
}

// typed lets a function of a Go type change an unstructured object.
func typed[O Object](change func(O)) func(*unstructured.Unstructured) error {
	return func(o *unstructured.Unstructured) error {
		if f, ok := any(change).(func(*unstructured.Unstructured)); ok {
			f(o)
			return nil
		}
		object := newOf[O]()
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, object); err != nil {
			return fmt.Errorf("convert to %T: %w", object, err)
		}
		change(object)
		changed, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
		if err != nil {
			return fmt.Errorf("convert from %T: %w", object, err)
		}
		changed["apiVersion"], changed["kind"] = o.Object["apiVersion"], o.Object["kind"]
		o.Object = changed
		return nil
	}
}

func (s updateStep) String() string {
	verb := "update "
	if len(s.subresources) > 0 {
		verb = "update the status of "
	}
	if s.object != nil {
		return verb + describe(s.object)
	}
	return verb + s.name
}

func (s updateStep) run(ctx context.Context, u *user) error {
	target, in, err := u.target(s.object, s.name)
	if err != nil {
		return err
	}
	for from := time.Now(); ; {
		o, err := in.Get(ctx, target.GetName(), metav1.GetOptions{})
		if err == nil {
			if err := s.change(o); err != nil {
				return err
			}
			_, err = in.Update(ctx, o, metav1.UpdateOptions{}, s.subresources...)
		}
		switch {
		case apierrors.IsConflict(err):
		case apierrors.IsNotFound(err) && s.optional:
			return nil
		case apierrors.IsNotFound(err) && s.object != nil && time.Since(from) < appearsWithin:
			if err := pause(ctx, time.Second); err != nil {
				return err
			}
		default:
			return err
		}
	}
}

// Delete deletes the object of T of a name, or of namespace/name.
func Delete(name string) Step { return deleteStep{name: name} }

// DeleteObject deletes an object of any kind. Of the object given, only kind, namespace and name
// matter. If it does not exist, that is no error: the operator may already have deleted it.
func DeleteObject(object runtime.Object) Step { return deleteStep{object: object, optional: true} }

type deleteStep struct {
	name     string
	object   runtime.Object
	optional bool
}

func (s deleteStep) String() string {
	if s.object != nil {
		return "delete " + describe(s.object)
	}
	return "delete " + s.name
}

func (s deleteStep) run(ctx context.Context, u *user) error {
	target, in, err := u.target(s.object, s.name)
	if err != nil {
		return err
	}
	err = in.Delete(ctx, target.GetName(), metav1.DeleteOptions{})
	if s.optional && apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// Do calls f as a user or another program. name appears in reports. cfg is a configuration of its
// own for the server.
func Do(name string, f func(ctx context.Context, cfg *rest.Config) error) Step {
	return doStep{name, f}
}

type doStep struct {
	name string
	f    func(ctx context.Context, cfg *rest.Config) error
}

func (s doStep) String() string                         { return s.name }
func (s doStep) run(ctx context.Context, u *user) error { return s.f(ctx, u.config()) }

// DoExternal calls f with a system of Case.External, as a user of that system or a program there
// would change it. name appears in reports.
func DoExternal(system, name string, f func(External) error) Step {
	return externalStep{system, name, f}
}

type externalStep struct {
	system, name string
	f            func(External) error
}

func (s externalStep) String() string { return s.name }

func (s externalStep) run(_ context.Context, u *user) error {
	system, ok := u.world.external[s.system]
	if !ok {
		return fmt.Errorf("there is no external system %q in Case.External", s.system)
	}
	return s.f(system)
}

// Wait lets (virtual) time pass.
func Wait(d time.Duration) Step { return waitStep(d) }

type waitStep time.Duration

func (s waitStep) String() string { return "wait " + time.Duration(s).String() }

func (s waitStep) run(context.Context, *user) error {
	time.Sleep(time.Duration(s))
	return nil
}

// Settle lets time pass until the operator has settled: until it has stopped writing, see
// Case.Quiet. The state of the cluster is then compared between runs.
func Settle() Step { return settleStep{} }

type settleStep struct{}

func (settleStep) String() string                         { return "settle" }
func (settleStep) run(ctx context.Context, u *user) error { return u.settle(ctx) }

// describe names an object, for reports.
func describe(object runtime.Object) string {
	o, err := meta.Accessor(object)
	if err != nil {
		return fmt.Sprintf("%T", object)
	}
	kind := object.GetObjectKind().GroupVersionKind().Kind
	if kind == "" {
		name := fmt.Sprintf("%T", object)
		kind = name[strings.LastIndex(name, ".")+1:]
	}
	name := o.GetName()
	if name == "" {
		name = o.GetGenerateName() + "*"
	}
	return kind + " " + strings.TrimPrefix(types.NamespacedName{Namespace: o.GetNamespace(), Name: name}.String(), "/")
}
