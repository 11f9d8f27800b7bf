package sim

import (
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metascheme "k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/internalversion/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
)

// selection is what a list, a watch or a deletion is about.
type selection struct {
	resource  *resource
	namespace string // empty: all
	name      string // empty: all; a watch can be of one object
	labels    labels.Selector
	fields    fields.Selector
}

// selection reads the options of a list, a watch or a deletion of several objects.
func (r *request) selection() (*metainternalversion.ListOptions, *selection, error) {
	options := &metainternalversion.ListOptions{}
	if err := metascheme.ParameterCodec.DecodeParameters(r.query, metav1.SchemeGroupVersion, options); err != nil {
		return nil, nil, apierrors.NewBadRequest(err.Error())
	}
	options.Watch = r.verb == "watch"
	metainternalversion.SetListOptionsDefaults(options, true)
	if errs := metavalidation.ValidateListOptions(options, true); len(errs) > 0 {
		return nil, nil, invalidOptions("ListOptions", errs...)
	}
	s := &selection{resource: r.resource, namespace: r.namespace, name: r.name, labels: labels.Everything(), fields: fields.Everything()}
	if options.LabelSelector != nil {
		s.labels = options.LabelSelector
	}
	if options.FieldSelector != nil {
		s.fields = options.FieldSelector
	}
	for _, requirement := range s.fields.Requirements() {
		if s.knows(requirement.Field) {
			continue
		}
		if r.resource.typed != nil && len(r.resource.fields) == 0 {
			return nil, nil, apierrors.NewBadRequest(fmt.Sprintf(`%q is not a known field selector: only "metadata.name", "metadata.namespace"`, requirement.Field))
		}
		return nil, nil, apierrors.NewBadRequest("field label not supported: " + requirement.Field)
	}
	return options, s, nil
}

func (s *selection) knows(label string) bool {
	_, known := s.resource.fields[label]
	return known || label == "metadata.name" || label == "metadata.namespace" && (s.resource.namespaced || s.resource.typed != nil)
}

// single reports whether the server reads one object, whose name is selected.
func (s *selection) single() bool {
	_, named := s.fields.RequiresExactMatch("metadata.name")
	_, inOne := s.fields.RequiresExactMatch("metadata.namespace")
	return named && (!s.resource.namespaced || s.namespace != "" || inOne)
}

// all reports whether nothing is selected but by namespace.
func (s *selection) all() bool { return s.labels.Empty() && s.fields.Empty() && s.name == "" }

func (s *selection) count(keys []types.NamespacedName) (n int) {
	for _, key := range keys {
		if s.namespace == "" || key.Namespace == s.namespace {
			n++
		}
	}
	return n
}

func (s *selection) matches(key types.NamespacedName, rec *record) bool {
	if s.namespace != "" && key.Namespace != s.namespace || s.name != "" && key.Name != s.name {
		return false
	}
	return s.labels.Matches(rec.labels) && (s.fields.Empty() || s.fields.Matches(fieldsOf{s.resource, rec, key}))
}

// fieldsOf are the fields of an object that a selector can name.
type fieldsOf struct {
	resource *resource
	record   *record
	key      types.NamespacedName
}

func (f fieldsOf) Has(label string) bool { return true }

func (f fieldsOf) Get(label string) string {
	switch label {
	case "metadata.name":
		return f.key.Name
	case "metadata.namespace":
		return f.key.Namespace
	}
	value, found, _ := unstructured.NestedFieldNoCopy(f.record.object, f.resource.fields[label]...)
	if !found || value == nil {
		return ""
	}
	return fmt.Sprint(value)
}
