package schema

import (
	"strings"

	"k8s.io/apimachinery/pkg/api/validate/content"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// embeddedErrors validates the TypeMeta and ObjectMeta of embedded resources.
func embeddedErrors(at *field.Path, x any, n *node) field.ErrorList {
	if n == nil || !n.hasEmbedded {
		return nil
	}
	var errs field.ErrorList
	switch x := x.(type) {
	case map[string]any:
		if n.embedded {
			errs = append(errs, typeMetaErrors(at, x)...)
			errs = append(errs, objectMetaErrors(at.Child("metadata"), x["metadata"])...)
		}
		for name, value := range x {
			if property, ok := n.properties[name]; ok {
				errs = append(errs, embeddedErrors(at.Child(name), value, property)...)
			} else if n.additional != nil {
				errs = append(errs, embeddedErrors(at.Key(name), value, n.additional)...)
			}
		}
	case []any:
		for i, item := range x {
			errs = append(errs, embeddedErrors(at.Index(i), item, n.items)...)
		}
	}
	return errs
}

func typeMetaErrors(at *field.Path, resource map[string]any) field.ErrorList {
	var errs field.ErrorList
	check := func(name string, wrong func(value string) string) {
		value, found := resource[name]
		text, ok := value.(string)
		switch at := at.Child(name); {
		case !found:
			errs = append(errs, field.Required(at, ""))
		case !ok:
			errs = append(errs, field.Invalid(at, value, "must be a string"))
		case text == "":
			errs = append(errs, field.Invalid(at, text, "must not be empty"))
		default:
			if detail := wrong(text); detail != "" {
				errs = append(errs, field.Invalid(at, text, detail))
			}
		}
	}
	check("apiVersion", func(value string) string {
		if _, err := schema.ParseGroupVersion(value); err != nil {
			return err.Error()
		}
		return ""
	})
	check("kind", func(value string) string {
		if wrong := validation.IsDNS1035Label(strings.ToLower(value)); len(wrong) > 0 {
			return "may have mixed case, but should otherwise match: " + strings.Join(wrong, ",")
		}
		return ""
	})
	return errs
}

// objectMetaErrors validates a metadata, which need not be there.
func objectMetaErrors(at *field.Path, metadata any) field.ErrorList {
	if metadata == nil {
		return nil
	}
	var meta metav1.ObjectMeta
	data, err := utiljson.Marshal(metadata)
	if err == nil {
		err = utiljson.Unmarshal(data, &meta)
	}
	if err != nil {
		return field.ErrorList{field.Invalid(at, metadata, err.Error())}
	}
	if meta.Name == "" {
		meta.Name = "unnamed" // an embedded resource needs no name
	}
	return apivalidation.ValidateObjectMeta(&meta, meta.Namespace != "", validName, at)
}

// validName says what keeps a name out of the path of a URL. That is all that can be
// asked of the name of a resource of any kind.
func validName(name string, prefix bool) []string {
	if prefix {
		return content.IsPathSegmentPrefix(name)
	}
	return content.IsPathSegmentName(name)
}
