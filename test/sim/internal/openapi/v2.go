package openapi

import "strings"

// toV2 is a schema of version 3 as far as version 2 can say the same.
func toV2(value any) any {
	switch v := value.(type) {
	case Schema:
		return schemaV2(v)
	case []any:
		out := make([]any, len(v))
		for i, child := range v {
			out[i] = toV2(child)
		}
		return out
	case string:
		return strings.Replace(v, refPrefix, "#/definitions/", 1)
	}
	return value
}

func schemaV2(v Schema) Schema {
	out := Schema{}
	for key, child := range v {
		switch key {
		case "properties": // names, and not words of a schema
			properties := Schema{}
			all, _ := child.(Schema)
			for name, property := range all {
				properties[name] = toV2(property)
			}
			out[key] = properties
		case "default", "nullable", "oneOf", "anyOf", "not", "allOf":
		case "description", "pattern", "format", "enum":
			out[key] = child
		default:
			out[key] = toV2(child)
		}
	}
	if all, _ := v["allOf"].([]any); len(all) == 1 {
		if one, _ := all[0].(Schema); one["$ref"] != nil {
			out["$ref"] = toV2(one["$ref"])
		}
	}
	switch {
	case v["oneOf"] != nil && v["type"] == nil: // a number or a text
		out["type"] = "string"
	case v["x-kubernetes-preserve-unknown-fields"] == true, v["x-kubernetes-int-or-string"] == true:
		for _, key := range []string{"type", "properties", "items", "additionalProperties", "required"} {
			if key != "properties" || v[kindKey] == nil {
				delete(out, key)
			}
		}
	}
	return out
}

// operationsV2 are what can be done at a path, in version 2.
func operationsV2(operations any) Schema {
	out := Schema{}
	all, _ := operations.(Schema)
	for method, operation := range all {
		o, _ := operation.(Schema)
		next := Schema{"consumes": []any{"*/*"}, "produces": []any{"application/json"}, "schemes": []any{"https"}}
		for key, value := range o {
			switch key {
			case "requestBody", "parameters":
			case "responses":
				next[key] = Schema{"200": Schema{"description": "OK"}}
			default:
				next[key] = value
			}
		}
		var parameters []any
		given, _ := o["parameters"].([]any)
		for _, parameter := range given {
			p, _ := parameter.(Schema)
			schema, _ := p["schema"].(Schema)
			parameters = append(parameters, Schema{"name": p["name"], "in": "query", "type": schema["type"], "uniqueItems": true})
		}
		if parameters != nil {
			next["parameters"] = parameters
		}
		out[method] = next
	}
	return out
}
