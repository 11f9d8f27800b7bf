package openapi

import (
	smdschema "sigs.k8s.io/structured-merge-diff/v6/schema"
)

// lists says which lists are sets and which are maps, as the schema for server-side apply does.
type lists struct{ merge *smdschema.Schema }

// model adds to the schema of a type whether it is replaced as a whole.
func (l *lists) model(name string, out Schema) {
	if l == nil {
		return
	}
	if def, ok := l.merge.FindNamedType(name); ok && def.Map != nil && def.Map.ElementRelationship == smdschema.Atomic {
		out["x-kubernetes-map-type"] = "atomic"
	}
}

// field adds to the schema of a field how its items are told apart.
func (l *lists) field(model, name string, out Schema) {
	if l == nil {
		return
	}
	def, ok := l.merge.FindNamedType(model)
	if !ok || def.Map == nil {
		return
	}
	f, ok := def.FindField(name)
	if !ok {
		return
	}
	switch f.Default.(type) {
	case string, bool, int, int64, float64:
		out["default"] = f.Default
	}
	switch list, of := f.Type.Inlined.List, f.Type.Inlined.Map; {
	case list != nil && list.ElementRelationship == smdschema.Associative && len(list.Keys) > 0:
		keys := make([]any, len(list.Keys))
		for i, key := range list.Keys {
			keys[i] = key
		}
		out["x-kubernetes-list-type"], out["x-kubernetes-list-map-keys"] = "map", keys
	case list != nil && list.ElementRelationship == smdschema.Associative:
		out["x-kubernetes-list-type"] = "set"
	case list != nil && out["type"] == "array":
		out["x-kubernetes-list-type"] = "atomic"
	case of != nil && of.ElementRelationship == smdschema.Atomic, f.Type.ElementRelationship != nil && *f.Type.ElementRelationship == smdschema.Atomic:
		out["x-kubernetes-map-type"] = "atomic"
	}
}
