package fuzz

import "maps"

const (
	things = "things.$group"
	shown  = "show=spec,status.acceptedNames,status.storedVersions,status.conditions.type,status.conditions.status,status.conditions.lastTransitionTime"
)

// define makes a CustomResourceDefinition, and the rest of the sequence one about its kind. It
// reports whether the server is expected to take it.
func (g *generator) define() bool {
	names := some(g.Rand, []field{
		{"singular", 50, oneOf("thing", "other")}, {"listKind", 50, oneOf("ThingList", "Others")},
		{"shortNames", 20, oneOf([]string{"th"})}, {"categories", 20, oneOf([]string{"all"})},
	})
	names["plural"], names["kind"] = "things", "Thing"
	spec := some(g.Rand, []field{{"conversion", 20, object(field{"strategy", 100, oneOf("None")})}, {"preserveUnknownFields", 10, oneOf(false)}})
	wrong := g.wrongDefault()
	var versions []any
	for i, name := range []string{"v1", "v2"}[:pick(g.Rand, 1, 1, 2)] {
		versions = append(versions, g.version(name, i == 0, wrong))
	}
	maps.Copy(spec, map[string]any{"group": "$group", "scope": "Namespaced", "names": names, "versions": versions})
	valid := wrong == nil
	for _, name := range []string{"versions", "names", "scope"} {
		if chance(g.Rand, 3) {
			delete(spec, name)
			valid = false
		}
	}
	body := withKind(&kind{body: "$CRD"}, map[string]any{"metadata": map[string]any{"name": things}, "spec": spec})
	g.steps = append(g.steps, "POST $crds show=spec\n  "+body)
	if !valid {
		g.steps = append(g.steps, "GET $crds/"+things+" show=spec")
		return false
	}
	g.kinds = nil
	for i := range versions {
		version := []string{"v1", "v2"}[i]
		g.steps = append(g.steps, "AWAIT 200 /apis/$group/"+version+" show=none") // known to be established, not only served
		thing := &kind{
			collection: "/apis/$group/" + version + "/namespaces/$ns/things", body: `"apiVersion":"$group/` + version + `","kind":"Thing"`,
			show: "spec,status", content: []field{{"spec", 95, object(field{"a", 50, text}, field{"b", 50, small})}}, status: []field{{"a", 70, word}},
			paths: []path{{"/spec/a", text}, {"/status", object()}},
		}
		g.steps = append(g.steps, "AWAIT 200 "+thing.collection)
		g.kinds = append(g.kinds, thing)
	}
	g.steps = append(g.steps, "GET $crds/"+things+" -rv "+shown)
	return true
}

// version is one of a definition.
func (g *generator) version(name string, storage bool, wrong map[string]any) map[string]any {
	fields := map[string]any{
		"a": some(g.Rand, []field{{"type", 100, oneOf("string")}, {"default", 50, word}, {"maxLength", 20, small}}),
		"b": some(g.Rand, []field{{"type", 100, oneOf("integer")}, {"default", 30, small}, {"maximum", 20, oneOf(2)}}),
	}
	maps.Copy(fields, wrong)
	out := some(g.Rand, []field{
		{"subresources", 50, object(field{"status", 100, object()})},
		{"additionalPrinterColumns", 20, oneOf([]any{map[string]any{"name": "A", "type": "string", "jsonPath": ".spec.a"}})},
	})
	maps.Copy(out, map[string]any{"name": name, "served": true, "storage": storage, "schema": map[string]any{"openAPIV3Schema": map[string]any{
		"type": "object", "properties": map[string]any{
			"spec":   map[string]any{"type": "object", "properties": fields},
			"status": map[string]any{"type": "object", "properties": map[string]any{"a": map[string]any{"type": "string"}}},
		},
	}}})
	return out
}

// wrongDefault is now and then a field with a default that its schema does not allow, and mostly nil.
func (g *generator) wrongDefault() map[string]any {
	if !chance(g.Rand, 15) {
		return nil
	}
	return map[string]any{"c": pick(g.Rand,
		map[string]any{"type": "integer", "default": 0, "minimum": 1},
		map[string]any{"type": "string", "default": 1},
		map[string]any{"type": "string", "default": "x", "enum": []string{"y"}},
		map[string]any{"type": "object", "default": map[string]any{"d": "x"}, "required": []string{"e"}, "properties": map[string]any{"e": map[string]any{"type": "string"}}},
		map[string]any{"type": "object", "default": map[string]any{"d": "x"}, "properties": map[string]any{"e": map[string]any{"type": "string"}}},
	)}
}
