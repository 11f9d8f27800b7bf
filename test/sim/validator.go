package sim

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Validator says what is wrong with an object, beyond what its schema says; old is its current
// state, nil for a new object. It must not change them, and is called from several goroutines at
// once.
type Validator func(ctx context.Context, object, old map[string]any) field.ErrorList

// compile returns the validators of a definition, by version.
func (s *Server) compile(d *crd) (map[string]Validator, field.ErrorList) {
	out := map[string]Validator{}
	var errs field.ErrorList
	for i, v := range d.Spec.Versions {
		if s.opts.Rules == nil {
			continue
		}
		validator, err := s.opts.Rules(v.Schema.OpenAPIV3Schema)
		if err != nil {
			errs = append(errs, field.Invalid(field.NewPath("spec", "versions").Index(i).Child("schema", "openAPIV3Schema"), "", err.Error()))
			continue
		}
		out[v.Name] = validator
	}
	return out, errs
}

// blocking are the kinds of errors with which an object is too wrong to be looked at further.
var blocking = []field.ErrorType{
	field.ErrorTypeNotSupported, field.ErrorTypeRequired, field.ErrorTypeTooLong, field.ErrorTypeTooMany, field.ErrorTypeTypeInvalid,
}

// evaluate asks the validator of a kind, if it has one; errs are what was found before.
func (c *custom) evaluate(w *write, object, old map[string]any, errs field.ErrorList) field.ErrorList {
	if c.validator == nil {
		return nil
	}
	if slices.ContainsFunc(errs, func(err *field.Error) bool { return slices.Contains(blocking, err.Type) }) {
		return field.ErrorList{field.Invalid(nil, nil, "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation")}
	}
	ctx := context.Background() //nolint:forbidigo // the server's own writes have none
	if w.request != nil {
		ctx = w.request.ctx
	}
	return c.validator(ctx, object, old)
}
