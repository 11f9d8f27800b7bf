package fuzz

import "fmt"

const finalizer = "example.com/f"

// metadata is what a client says of an object. With name it names it.
func (g *generator) metadata(name string) map[string]any {
	out := some(g.Rand, []field{
		{"labels", 35, object(field{"l", 60, oneOf("1", "2")}, field{"m", 30, oneOf("1", "2")})},
		{"annotations", 20, object(field{"n", 80, oneOf("1", "2")})},
		{"finalizers", 15, oneOf([]string{finalizer}, []string{finalizer}, []string{finalizer, "example.com/g"}, []string{})},
		{"generation", 3, oneOf(1, 7)}, {"uid", 2, oneOf("u")}, {"creationTimestamp", 3, oneOf(nil, "2026-01-01T00:00:00Z")},
		{"deletionTimestamp", 2, oneOf("2026-01-01T00:00:00Z")}, {"deletionGracePeriodSeconds", 2, oneOf(5)},
		{"resourceVersion", 4, oneOf("", "0", "1", "x")},
		{"managedFields", 4, oneOf([]any{}, []any{map[string]any{}}, nil)},
	})
	if as, ok := g.earlier(""); ok && chance(g.Rand, 4) {
		out["ownerReferences"] = []any{map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": "$" + as + ".uid"}}
	}
	if as, ok := g.earlier(name); ok && chance(g.Rand, 10) {
		out["resourceVersion"] = "$" + as + ".rv"
	}
	if name != "" {
		out["name"] = name
	}
	return out
}

// object is a whole object.
func (g *generator) object(k *kind, name string) map[string]any {
	out := some(g.Rand, k.content)
	out["metadata"] = g.metadata(name)
	if k.status != nil && chance(g.Rand, 15) {
		out["status"] = some(g.Rand, k.status)
	}
	return out
}

func (g *generator) create() {
	k, name := g.kind(), g.name()
	g.request("POST", k.collection+g.query(writeOptions...), name, k, withKind(k, spoilt(g.Rand, g.object(k, name), 1)))
}

// put sends a whole object, or, more often, one that was read before, with or without changes.
func (g *generator) put() { g.putTo(g.kind(), "") }

func (g *generator) putTo(k *kind, subresource string) {
	name := g.name()
	target := k.collection + "/" + name + subresource + g.query(writeOptions...)
	as, ok := g.earlier(name)
	if !ok || chance(g.Rand, 25) {
		g.request("PUT", target, name, k, withKind(k, spoilt(g.Rand, g.object(k, name), 1)))
		return
	}
	body := []string{"$" + as + ".object"}
	if chance(g.Rand, 40) {
		body = append(body, `+ {"metadata":{"resourceVersion":null}}`)
	}
	if chance(g.Rand, 15) {
		body = append(body, `+ {"metadata":{"managedFields":`+pick(g.Rand, "null", "[]", "[{}]")+"}}")
	}
	if len(g.kinds) > 1 && chance(g.Rand, 80) {
		body = append(body, "+ {"+k.body+"}")
	}
	if chance(g.Rand, 60) {
		body = append(body, "+ "+marshal(g.change(k, subresource)))
	}
	g.request("PUT", target, name, k, body...)
}

// change is a merge patch.
func (g *generator) change(k *kind, subresource string) map[string]any {
	out := map[string]any{}
	if subresource == "" && chance(g.Rand, 80) || chance(g.Rand, 15) {
		out = some(g.Rand, k.content)
	}
	if chance(g.Rand, 35) {
		out["metadata"] = g.metadata("")
	}
	if k.status != nil && (subresource != "" || chance(g.Rand, 15)) {
		out["status"] = some(g.Rand, k.status)
	}
	return spoilt(g.Rand, out, 6)
}

func (g *generator) merge() { g.mergeTo(g.kind(), "MERGE", "") }

func (g *generator) strategic() {
	if k := g.kind(); k.compiled {
		g.mergeTo(k, "STRATEGIC", "")
	} else {
		g.mergeTo(k, "MERGE", "")
	}
}

func (g *generator) mergeTo(k *kind, verb, subresource string) {
	name := g.name()
	g.request(verb, k.collection+"/"+name+subresource+g.query(writeOptions...), name, k, marshal(g.change(k, subresource)))
}

func (g *generator) jsonPatch() {
	k, name := g.kind(), g.name()
	places := append([]path{
		{"/metadata/labels", object(field{"l", 60, oneOf("1", "2")})}, {"/metadata/labels/l", oneOf("1", "2")},
		{"/metadata/annotations/n", oneOf("1", "2")}, {"/metadata/finalizers", oneOf([]string{}, []string{finalizer})},
		{"/metadata/managedFields", oneOf([]any{}, []any{map[string]any{}})},
	}, k.paths...)
	operations := []any{}
	for range pick(g.Rand, 0, 1, 1, 1, 2) {
		place := pick(g.Rand, places...)
		operation := map[string]any{"op": pick(g.Rand, "add", "add", "replace", "remove", "test"), "path": place.pointer}
		if operation["op"] != "remove" {
			operation["value"] = place.value(g.Rand)
		}
		operations = append(operations, operation)
	}
	g.request("JSONPATCH", k.collection+"/"+name+g.query(writeOptions...), name, k, marshal(operations))
}

// finalizers sets the finalizers of an object, or takes them away.
func (g *generator) finalizers() {
	k, name := g.kind(), g.name()
	g.request("MERGE", k.collection+"/"+name+g.query(writeOptions...), name, k,
		fmt.Sprintf(`{"metadata":{"finalizers":%s}}`, pick(g.Rand, "null", "null", "[]", `["example.com/f"]`, `["example.com/g","example.com/f"]`)))
}
