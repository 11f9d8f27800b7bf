package cel_test

import (
	"context"
	"fmt"
	"log"

	"github.com/kuberator/kuberator/test/sim/cel"
)

// A server gets the rules with sim.Options{Rules: cel.Rules}. They can be asked without one, too.
func ExampleRules() {
	validator, err := cel.Rules(map[string]any{
		"type": "object",
		"properties": map[string]any{"spec": map[string]any{
			"type": "object",
			"properties": map[string]any{
				"least": map[string]any{"type": "integer"}, "most": map[string]any{"type": "integer"},
			},
			"x-kubernetes-validations": []any{map[string]any{"rule": "self.least <= self.most", "message": "least is more than most"}},
		}},
	})
	if err != nil {
		log.Fatal(err)
	}
	object := map[string]any{"spec": map[string]any{"least": int64(3), "most": int64(2)}}
	for _, err := range validator(context.Background(), object, nil) {
		fmt.Println(err.Field, err.Detail)
	}
	// Output: spec least is more than most
}
