package schema

import (
	"encoding/json"
	"fmt"
	"slices"

	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/kube-openapi/pkg/validation/spec"
)

// Schema is the schema of one version of a CustomResourceDefinition. It never
// changes, so it may be used by several goroutines at a time.
type Schema struct {
	root    *node
	object  *node // root, whose apiVersion, kind and metadata are those of a resource
	openAPI *spec.Schema
	rules   []string
	wrong   field.ErrorList
}

// New returns the Schema for the openAPIV3Schema of a version of a
// CustomResourceDefinition, as decoded from JSON. It keeps nothing of the map. A nil
// map is a schema that knows nothing and preserves everything.
//
// The error names everything that is wrong, with paths that start at
// openAPIV3Schema and in the words of kube-apiserver.
func New(openAPIV3Schema map[string]any) (*Schema, error) {
	if openAPIV3Schema == nil {
		openAPIV3Schema = map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true}
	}
	in, err := normalise(openAPIV3Schema)
	if err != nil {
		return nil, fmt.Errorf("openAPIV3Schema: %w", err)
	}

	p := &parser{}
	root, openAPI := p.node(in, field.NewPath("openAPIV3Schema"), rootLevel)
	if len(p.errs) > 0 {
		return nil, sorted(p.errs).ToAggregate()
	}
	wrong := sorted(root.defaultErrors(field.NewPath("openAPIV3Schema"), &openAPI))
	root.pruneDefaults()
	slices.Sort(p.rules)

	object := *root
	object.embedded = true
	return &Schema{
		root:    root,
		object:  &object,
		openAPI: &openAPI,
		rules:   p.rules,
		wrong:   wrong,
	}, nil
}

// WrongDefaults returns what is wrong with the defaults in the schema: those that it would not allow
// in an object, and those with fields that it does not know. Their paths start at openAPIV3Schema.
func (s *Schema) WrongDefaults() field.ErrorList { return slices.Clone(s.wrong) }

// Unsupported returns the paths in the schema, sorted, that carry rules which are
// not evaluated: x-kubernetes-validations.
func (s *Schema) Unsupported() []string {
	return slices.Clone(s.rules)
}

// normalise copies in and makes its numbers what they are in objects: an integer is
// an int64, also when encoding/json or a Go literal made it something else.
func normalise(in map[string]any) (map[string]any, error) {
	data, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	var out map[string]any
	err = utiljson.Unmarshal(data, &out)
	return out, err
}
