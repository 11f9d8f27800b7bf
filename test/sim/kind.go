package sim

import (
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"
)

// Kind is a kind that a Server serves: one of Kubernetes ([Core]) or one of a
// CustomResourceDefinition ([CRD]). If it is wrong, [New] returns an error.
type Kind struct {
	name       string         // as it was asked for, for errors
	builtin    *resource      // of Core
	definition map[string]any // of CRD
	err        error
}

// Core returns kinds that Kubernetes has, by the names of their resources: "configmaps",
// "deployments.apps", "leases.coordination.k8s.io". If a group has several versions, it is the
// most stable one. The server has their fields, their life cycle and their subresources, but not
// all of their validation: see the table in the README. An unknown name is an error of [New].
func Core(resources ...string) []Kind {
	var kinds []Kind
	for _, name := range resources {
		found, ok := builtins()[strings.ToLower(name)]
		kind := Kind{name: name, builtin: found}
		if !ok {
			kind.err = fmt.Errorf("kind %q: client-go's scheme has no such resource; write it in the plural, with its group, as in %q", name, "deployments.apps")
		}
		kinds = append(kinds, kind)
	}
	return kinds
}

// CRD returns the kinds that documents define: CustomResourceDefinitions of
// apiextensions.k8s.io/v1, in YAML or JSON, of which a text may hold several. Their schemas
// are enforced; rules in CEL (x-kubernetes-validations) are ignored, unless [Options].Rules
// evaluates them. [CRDFiles] reads them from a folder.
func CRD(documents ...[]byte) []Kind {
	var kinds []Kind
	for n, document := range documents {
		for part := range strings.SplitSeq("\n"+string(document), "\n---") {
			if kind, ok := definition(part); ok {
				if kind.err != nil {
					kind.err = fmt.Errorf("document %d of CRD: %w", n+1, kind.err)
				}
				kinds = append(kinds, kind)
			}
		}
	}
	return kinds
}

var errOtherKind = errors.New("no CustomResourceDefinition of apiextensions.k8s.io/v1")

func definition(document string) (Kind, bool) {
	var object map[string]any
	data, err := yaml.YAMLToJSON([]byte(document))
	if err == nil {
		object, err = decodeObject(data)
	}
	switch name, _, _ := unstructured.NestedString(object, "metadata", "name"); {
	case err != nil:
		return Kind{err: err}, true
	case object == nil:
		return Kind{}, false
	case object["kind"] != "CustomResourceDefinition" || object["apiVersion"] != "apiextensions.k8s.io/v1":
		return Kind{err: fmt.Errorf("it is a %v of %v, and %w", object["kind"], object["apiVersion"], errOtherKind)}, true
	case name == "":
		return Kind{err: errors.New("it has no name")}, true
	default:
		return Kind{name: name, definition: object}, true
	}
}

// resource is a kind as it is served, in one version of it. It does not change.
type resource struct {
	gvk        schema.GroupVersionKind
	plural     string
	singular   string
	shortNames []string
	categories []string // such as "all"
	listKind   string
	namespaced bool

	status     bool // it has a status subresource
	generation bool // its generation counts changes of the spec
	upsert     bool // an update creates what does not exist
	needsRV    bool // an update must carry a resourceVersion

	typed   func() runtime.Object // of a kind that is compiled in: its Go type
	custom  *custom               // of a kind that a CRD adds
	review  reviewer              // of a question, which is answered and not stored
	fields  map[string][]string   // what field selectors may name beside name and namespace
	verbs   []string
	managed managed
	rules   rules
}

// compiled reports whether the kind is part of the server's program.
func (r *resource) compiled() bool { return r.typed != nil || r == definitions }

func (r *resource) gr() schema.GroupResource {
	return schema.GroupResource{Group: r.gvk.Group, Resource: r.plural}
}

func (r *resource) gvr() schema.GroupVersionResource {
	return r.gvk.GroupVersion().WithResource(r.plural)
}

func newTyped(gvk schema.GroupVersionKind) func() runtime.Object {
	return func() runtime.Object {
		object, err := scheme.Scheme.New(gvk)
		if err != nil {
			panic(err) //nolint:forbidigo // the kind came from this scheme
		}
		return object
	}
}
