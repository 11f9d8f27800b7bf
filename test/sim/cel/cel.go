// Package cel evaluates the rules in CEL that CustomResourceDefinitions have
// (x-kubernetes-validations), for package sim, with the code of the real server:
//
//	srv, err := sim.New(sim.Options{Kinds: sim.CRD(crd), Rules: cel.Rules})
//
// It is a module of its own, so that nobody else has to have that code: the API server's library,
// cel-go, and what they need. To compile the rules of a definition takes some milliseconds.
package cel

import (
	"context"
	"encoding/json"
	"fmt"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/model"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/cel/common"

	"github.com/kuberator/kuberator/test/sim"
)

// Rules compiles the rules of a schema, for [sim.Options]. It returns nil if there are none.
//
// # Errors
//
// A schema that is not structural, and a rule that does not compile, costs too much, or is wrong
// otherwise; it says where in the schema.
func Rules(openAPIV3Schema map[string]any) (sim.Validator, error) {
	internal, err := parse(openAPIV3Schema)
	if err != nil {
		return nil, fmt.Errorf("rules in CEL: %w", err)
	}
	schema, err := structural.NewStructural(internal)
	if err != nil {
		return nil, fmt.Errorf("rules in CEL: %w", err)
	}
	if err := check(internal); err != nil {
		return nil, fmt.Errorf("rules in CEL: %w", err)
	}
	validator := cel.NewValidator(schema, true, celconfig.PerCallLimit)
	if validator == nil {
		return nil, nil
	}
	return func(ctx context.Context, object, old map[string]any) field.ErrorList {
		var before any
		var options []cel.Option
		if old != nil {
			before = old
			options = append(options, cel.WithRatcheting(common.NewCorrelatedObject(object, old, &model.Structural{Structural: schema})))
		}
		errs, _ := validator.Validate(ctx, nil, schema, object, before, celconfig.RuntimeCELCostBudget, options...)
		return errs
	}, nil
}

// check says what is wrong with a schema as the server does when a definition is created.
func check(schema *apiextensions.JSONSchemaProps) error {
	ctx := context.Background() // nothing in it waits
	return validation.ValidateCustomResourceDefinition(ctx, &apiextensions.CustomResourceDefinition{
		ObjectMeta: metav1.ObjectMeta{Name: "kinds.example.com"},
		Spec: apiextensions.CustomResourceDefinitionSpec{
			Group: "example.com", Scope: apiextensions.NamespaceScoped, Version: "v1", PreserveUnknownFields: new(false),
			Names:      apiextensions.CustomResourceDefinitionNames{Plural: "kinds", Singular: "kind", Kind: "Kind", ListKind: "KindList"},
			Versions:   []apiextensions.CustomResourceDefinitionVersion{{Name: "v1", Served: true, Storage: true}},
			Validation: &apiextensions.CustomResourceValidation{OpenAPIV3Schema: schema},
			Conversion: &apiextensions.CustomResourceConversion{Strategy: apiextensions.NoneConverter},
		},
		Status: apiextensions.CustomResourceDefinitionStatus{StoredVersions: []string{"v1"}},
	}).ToAggregate()
}

func parse(openAPIV3Schema map[string]any) (*apiextensions.JSONSchemaProps, error) {
	data, err := json.Marshal(openAPIV3Schema)
	if err != nil {
		return nil, err
	}
	versioned := &apiextensionsv1.JSONSchemaProps{}
	if err := json.Unmarshal(data, versioned); err != nil {
		return nil, err
	}
	internal := &apiextensions.JSONSchemaProps{}
	return internal, apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(versioned, internal, nil)
}
