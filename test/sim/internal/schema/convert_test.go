package schema_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"

	"github.com/kuberator/kuberator/test/sim/internal/schema"
)

var widgetKind = apischema.GroupVersionKind{Group: "example.com", Version: "v1", Kind: "Widget"}

const widgetSchema = `
type: object
properties:
  apiVersion: {type: string}
  kind: {type: string}
  metadata: {type: object}
  spec:
    type: object
    required: [mode]
    properties:
      mode: {type: string, enum: [Fast, Safe], default: Fast}
      replicas: {type: integer, format: int32, minimum: 0}
      surge: {anyOf: [{type: integer}, {type: string}], x-kubernetes-int-or-string: true}
      until: {type: string, format: date-time}
      labels: {type: object, additionalProperties: {type: string, maxLength: 63}}
      args: {type: array, items: {type: string}}
      zones: {type: array, x-kubernetes-list-type: set, items: {type: string}}
      ports:
        type: array
        x-kubernetes-list-type: map
        x-kubernetes-list-map-keys: [port, protocol]
        items:
          type: object
          required: [port]
          properties:
            port: {type: integer}
            protocol: {type: string, default: TCP}
            name: {type: string, pattern: "^[a-z]*$"}
      selector:
        type: object
        x-kubernetes-map-type: atomic
        properties: {key: {type: string}, value: {type: string}}
      config: {type: object, x-kubernetes-preserve-unknown-fields: true}
      template: {type: object, x-kubernetes-embedded-resource: true, x-kubernetes-preserve-unknown-fields: true}
  status: {type: object, properties: {phase: {type: string}}}
`

// A cluster is as much of a server as server-side apply needs: one version, objects
// that are JSON, and the defaults of a schema.
type cluster struct {
	schema *schema.Schema
}

func (cluster) ConvertToVersion(in runtime.Object, _ runtime.GroupVersioner) (runtime.Object, error) {
	return in, nil
}
func (cluster) Convert(_, _, _ any) error { return nil }
func (cluster) ConvertFieldLabel(_ apischema.GroupVersionKind, label, value string) (string, string, error) {
	return label, value, nil
}
func (cluster) New(kind apischema.GroupVersionKind) (runtime.Object, error) {
	obj := &unstructured.Unstructured{}
	obj.SetGroupVersionKind(kind)
	return obj, nil
}
func (c cluster) Default(obj runtime.Object) {
	c.schema.Default(obj.(*unstructured.Unstructured).Object)
}

// An applier applies widgets one after another to the same object.
type applier struct {
	t       *testing.T
	manager *managedfields.FieldManager
	live    runtime.Object
}

func newApplier(t *testing.T, s *schema.Schema) *applier {
	converter, err := schema.TypeConverter(map[apischema.GroupVersionKind]*schema.Schema{widgetKind: s})
	require.NoError(t, err)
	c := cluster{s}
	manager, err := managedfields.NewDefaultCRDFieldManager(converter, c, c, c, widgetKind, widgetKind.GroupVersion(), "", nil)
	require.NoError(t, err)
	live, err := c.New(widgetKind)
	require.NoError(t, err)
	return &applier{t: t, manager: manager, live: live}
}

func (a *applier) apply(manager, fields string, force bool) error {
	a.t.Helper()
	patch := &unstructured.Unstructured{Object: object(a.t, fields)}
	patch.SetGroupVersionKind(widgetKind)
	obj, err := a.manager.Apply(a.live, patch, manager, force)
	if err == nil {
		a.live = obj
	}
	return err
}

// is compares the object, less its type and who manages what.
func (a *applier) is(want string) {
	a.t.Helper()
	got := a.live.DeepCopyObject().(*unstructured.Unstructured)
	got.SetManagedFields(nil)
	delete(got.Object, "apiVersion")
	delete(got.Object, "kind")
	if len(got.Object["metadata"].(map[string]any)) == 0 {
		delete(got.Object, "metadata")
	}
	require.Equal(a.t, object(a.t, want), got.Object)
}

func TestApply(t *testing.T) {
	type step struct{ manager, fields string }
	for name, c := range map[string]struct {
		steps []step
		want  string
	}{
		"fields of two managers": {
			steps: []step{{"one", `{spec: {replicas: 1}}`}, {"two", `{spec: {surge: "25%"}}`}},
			want:  `{spec: {mode: Fast, replicas: 1, surge: "25%"}}`,
		},
		"a field given up is removed": {
			steps: []step{{"one", `{spec: {replicas: 1, surge: 5}}`}, {"one", `{spec: {surge: 5}}`}},
			want:  `{spec: {mode: Fast, surge: 5}}`,
		},
		"a field given up by one of two stays": {
			steps: []step{{"one", `{spec: {replicas: 1}}`}, {"two", `{spec: {replicas: 1}}`}, {"one", `{spec: {}}`}},
			want:  `{spec: {mode: Fast, replicas: 1}}`,
		},
		"finalizers are a set": {
			steps: []step{
				{"one", `{metadata: {finalizers: [a.com/x, a.com/y]}}`},
				{"two", `{metadata: {finalizers: [b.com/z, a.com/y]}}`},
				{"one", `{metadata: {finalizers: [a.com/x]}}`},
			},
			want: `{metadata: {finalizers: [a.com/x, b.com/z, a.com/y]}}`,
		},
		"owners are a map by their uids": {
			steps: []step{
				{"one", `{metadata: {ownerReferences: [{apiVersion: v1, kind: A, name: a, uid: u1}]}}`},
				{"two", `{metadata: {ownerReferences: [{apiVersion: v1, kind: B, name: b, uid: u2}]}}`},
			},
			want: `{metadata: {ownerReferences: [{apiVersion: v1, kind: A, name: a, uid: u1}, {apiVersion: v1, kind: B, name: b, uid: u2}]}}`,
		},
		"labels are granular": {
			steps: []step{{"one", `{metadata: {labels: {a: x}}}`}, {"two", `{metadata: {labels: {b: w}}}`}, {"one", `{metadata: {}}`}},
			want:  `{metadata: {labels: {b: w}}}`,
		},
		"a list that is a map merges by its keys": {
			steps: []step{
				{"one", `{spec: {ports: [{port: 80, protocol: TCP, name: http}, {port: 53, protocol: UDP}]}}`},
				{"two", `{spec: {ports: [{port: 53, protocol: TCP, name: dns}]}}`},
				{"one", `{spec: {ports: [{port: 80, protocol: TCP, name: web}]}}`},
			},
			want: `{spec: {mode: Fast, ports: [{port: 80, protocol: TCP, name: web}, {port: 53, protocol: TCP, name: dns}]}}`,
		},
		"the default of a key is part of the key": {
			steps: []step{{"one", `{spec: {ports: [{port: 80}]}}`}, {"two", `{spec: {ports: [{port: 80, protocol: TCP, name: http}]}}`}},
			want:  `{spec: {mode: Fast, ports: [{port: 80, protocol: TCP, name: http}]}}`,
		},
		"a list that is a set": {
			steps: []step{{"one", `{spec: {zones: [a, b]}}`}, {"two", `{spec: {zones: [c]}}`}, {"one", `{spec: {zones: [b]}}`}},
			want:  `{spec: {mode: Fast, zones: [b, c]}}`,
		},
		"preserved fields merge": {
			steps: []step{{"one", `{spec: {config: {a: {b: 1}}}}`}, {"two", `{spec: {config: {a: {c: [2]}}}}`}},
			want:  `{spec: {mode: Fast, config: {a: {b: 1, c: [2]}}}}`,
		},
		"metadata of an embedded resource": {
			steps: []step{
				{"one", `{spec: {template: {apiVersion: v1, kind: X, metadata: {finalizers: [a]}, data: 1}}}`},
				{"two", `{spec: {template: {apiVersion: v1, kind: X, metadata: {finalizers: [b]}}}}`},
			},
			want: `{spec: {mode: Fast, template: {apiVersion: v1, kind: X, metadata: {finalizers: [a, b]}, data: 1}}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := newApplier(t, newSchema(t, widgetSchema))
			for _, step := range c.steps {
				require.NoError(t, a.apply(step.manager, step.fields, false))
			}
			a.is(c.want)
		})
	}
}

func TestApplyConflicts(t *testing.T) {
	for name, c := range map[string]struct{ one, two, field, forced string }{
		"scalar": {
			one: `{spec: {replicas: 1}}`, two: `{spec: {replicas: 2}}`,
			field: ".spec.replicas", forced: `{spec: {mode: Fast, replicas: 2}}`,
		},
		"integer and string": {
			one: `{spec: {surge: 1}}`, two: `{spec: {surge: "25%"}}`,
			field: ".spec.surge", forced: `{spec: {mode: Fast, surge: "25%"}}`,
		},
		"item of a map": {
			one: `{spec: {ports: [{port: 80, name: a}]}}`, two: `{spec: {ports: [{port: 80, name: b}, {port: 81}]}}`,
			field: `.spec.ports[port=80,protocol="TCP"].name`, forced: `{spec: {mode: Fast, ports: [{port: 80, protocol: TCP, name: b}, {port: 81, protocol: TCP}]}}`,
		},
		"other list": {
			one: `{spec: {args: [a]}}`, two: `{spec: {args: [b]}}`,
			field: ".spec.args", forced: `{spec: {mode: Fast, args: [b]}}`,
		},
		"atomic object": {
			one: `{spec: {selector: {key: a}}}`, two: `{spec: {selector: {value: b}}}`,
			field: ".spec.selector", forced: `{spec: {mode: Fast, selector: {value: b}}}`,
		},
		"owner": {
			one:   `{metadata: {ownerReferences: [{apiVersion: v1, kind: A, name: a, uid: u}]}}`,
			two:   `{metadata: {ownerReferences: [{apiVersion: v1, kind: A, name: b, uid: u}]}}`,
			field: `.metadata.ownerReferences[uid="u"]`, forced: `{metadata: {ownerReferences: [{apiVersion: v1, kind: A, name: b, uid: u}]}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := newApplier(t, newSchema(t, widgetSchema))
			require.NoError(t, a.apply("one", c.one, false))

			err := a.apply("two", c.two, false)
			require.True(t, apierrors.IsConflict(err), "%v", err)
			causes := err.(apierrors.APIStatus).Status().Details.Causes
			require.Len(t, causes, 1)
			require.Equal(t, c.field, causes[0].Field)
			require.Equal(t, `conflict with "one"`, causes[0].Message)

			require.NoError(t, a.apply("two", c.two, true))
			a.is(c.forced)
		})
	}
}

func TestApplyRefuses(t *testing.T) {
	a := newApplier(t, newSchema(t, widgetSchema))
	require.ErrorContains(t, a.apply("one", `{spec: {unknown: 1}}`, false), ".spec.unknown: field not declared in schema")
	require.ErrorContains(t, a.apply("one", `{spec: {zones: [a, a]}}`, false), `.spec.zones: duplicate entries for key [="a"]`)
	require.ErrorContains(t, a.apply("one", `{spec: {replicas: x}}`, false), ".spec.replicas: expected numeric")
}

func TestApplyAfterUpdate(t *testing.T) {
	a := newApplier(t, newSchema(t, widgetSchema))
	require.NoError(t, a.apply("one", `{spec: {replicas: 1}}`, false))
	updated := a.live.DeepCopyObject().(*unstructured.Unstructured)
	require.NoError(t, unstructured.SetNestedField(updated.Object, int64(2), "spec", "replicas"))
	updated.SetManagedFields(nil)
	live, err := a.manager.Update(a.live, updated, "two")
	require.NoError(t, err)
	a.live = live

	require.True(t, apierrors.IsConflict(a.apply("one", `{spec: {replicas: 1}}`, false)))
	require.NoError(t, a.apply("one", `{spec: {replicas: 2}}`, false))
}

// Without a schema, what is in the object decides, and only metadata has types.
func TestApplyWithoutSchema(t *testing.T) {
	s, err := schema.New(nil)
	require.NoError(t, err)
	a := newApplier(t, s)
	require.NoError(t, a.apply("one", `{metadata: {finalizers: [a]}, spec: {a: 1}}`, false))
	require.NoError(t, a.apply("two", `{metadata: {finalizers: [b]}, spec: {b: 2}}`, false))
	a.is(`{metadata: {finalizers: [a, b]}, spec: {a: 1, b: 2}}`)
}

func TestTypeConverterKnowsOneKind(t *testing.T) {
	converter, err := schema.TypeConverter(map[apischema.GroupVersionKind]*schema.Schema{widgetKind: newSchema(t, widgetSchema)})
	require.NoError(t, err)
	other := &unstructured.Unstructured{}
	other.SetGroupVersionKind(apischema.GroupVersionKind{Group: "example.com", Version: "v2", Kind: "Widget"})
	_, err = converter.ObjectToTyped(other)
	require.ErrorContains(t, err, "no corresponding type")
}
