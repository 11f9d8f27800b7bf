package openapi

import (
	"slices"
	"strings"
)

// paths are the paths of a kind, with what can be done there: what clients look for, which is the
// kind, the parameters, and the schemas of bodies.
func (k Kind) paths(out map[string]any) {
	root := "/apis/" + k.GVK.GroupVersion().String()
	if k.GVK.Group == "" {
		root = "/api/" + k.GVK.Version
	}
	collection := root + "/" + k.Plural
	if k.Namespaced {
		if slices.Contains(k.Verbs, "list") {
			out[collection] = Schema{"get": k.operation("list", "list", k.modelName()+"List")}
		}
		collection = root + "/namespaces/{namespace}/" + k.Plural
	}
	all, one := Schema{}, Schema{}
	for verb, method := range map[string]string{"list": "get", "create": "post", "deletecollection": "delete"} {
		k.add(all, verb, method)
	}
	for verb, method := range map[string]string{"get": "get", "update": "put", "patch": "patch", "delete": "delete"} {
		k.add(one, verb, method)
	}
	out[collection] = all
	if len(one) > 0 {
		out[collection+"/{name}"] = one
	}
	if k.Status {
		status := Schema{}
		for verb, method := range map[string]string{"get": "get", "update": "put", "patch": "patch"} {
			k.add(status, verb, method)
		}
		out[collection+"/{name}/status"] = status
	}
}

func (k Kind) add(path Schema, verb, method string) {
	if !slices.Contains(k.Verbs, verb) {
		return
	}
	model := k.modelName()
	if verb == "list" {
		model += "List"
	}
	path[method] = k.operation(verb, actions[verb], model)
}

// actions are what OpenAPI documents call verbs.
var actions = map[string]string{
	"list": "list", "create": "post", "deletecollection": "deletecollection", "get": "get", "update": "put", "patch": "patch", "delete": "delete",
}

func (k Kind) operation(verb, action, model string) Schema {
	out := Schema{
		"description":         verb + " " + k.Plural,
		"operationId":         verb + strings.NewReplacer(".", "", "/", "", "-", "").Replace(k.GVK.GroupVersion().String()) + k.GVK.Kind + action,
		"x-kubernetes-action": action,
		kindKey:               kindOf(k.GVK),
		"responses": Schema{"200": Schema{
			"description": "OK", "content": Schema{"application/json": Schema{"schema": Schema{"$ref": refPrefix + model}}},
		}},
	}
	var names []string
	switch verb {
	case "create", "update":
		names = []string{"dryRun", "fieldManager", "fieldValidation"}
		out["requestBody"] = Schema{"required": true, "content": Schema{"application/json": Schema{"schema": Schema{"$ref": refPrefix + model}}}}
	case "patch":
		names = []string{"dryRun", "fieldManager", "fieldValidation", "force"}
		out["requestBody"] = Schema{"content": Schema{"application/apply-patch+yaml": Schema{"schema": Schema{"type": "object"}}}}
	case "delete", "deletecollection":
		names = []string{"dryRun", "gracePeriodSeconds", "propagationPolicy"}
	}
	var parameters []any
	for _, name := range names {
		kind := map[string]string{"force": "boolean", "gracePeriodSeconds": "integer"}[name]
		if kind == "" {
			kind = "string"
		}
		parameters = append(parameters, Schema{"name": name, "in": "query", "schema": Schema{"type": kind, "uniqueItems": true}})
	}
	if parameters != nil {
		out["parameters"] = parameters
	}
	return out
}
