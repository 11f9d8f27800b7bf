package fuzz

import "fmt"

var applyOptions = []option{
	{"fieldManager", 98, []string{"m", "n", "o"}}, {"force", 40, []string{"true", "true", "false"}},
	{"dryRun", 6, []string{"All"}}, {"fieldValidation", 6, []string{"Strict", "Warn", "Ignore"}},
}

func (g *generator) apply() { g.applyTo(g.kind(), "") }

func (g *generator) applyTo(k *kind, subresource string) {
	name := g.name()
	body := map[string]any{"metadata": map[string]any{"name": name}}
	if subresource == "" || chance(g.Rand, 10) {
		body = some(g.Rand, k.content)
		body["metadata"] = g.metadata(name)
	}
	if subresource != "" || k.status != nil && chance(g.Rand, 10) {
		body["status"] = some(g.Rand, k.status)
	}
	g.request("APPLY", k.collection+"/"+name+subresource+g.query(applyOptions...), name, k, withKind(k, spoilt(g.Rand, body, 1)))
}

// status writes to the subresource, of which a kind without one says that it is not there.
func (g *generator) status() {
	k := g.kind()
	switch g.IntN(4) {
	case 0:
		g.putTo(k, "/status")
	case 1:
		g.mergeTo(k, "MERGE", "/status")
	case 2:
		g.applyTo(k, "/status")
	default:
		verb := "MERGE"
		if k.compiled {
			verb = "STRATEGIC"
		}
		g.mergeTo(k, verb, "/status")
	}
}

// scale reads and writes the number of replicas.
func (g *generator) scale() {
	k, name := g.kind(), g.name()
	if !k.scale {
		g.put()
		return
	}
	shown := &kind{show: "spec,status"}
	target := k.collection + "/" + name + "/scale"
	replicas := pick(g.Rand, 1, 1, 2, 2, 0)
	const head = `{"apiVersion":"autoscaling/v1","kind":"Scale"`
	switch g.IntN(5) {
	case 0:
		g.request("GET", target, "scale", shown)
	case 1:
		body := head + fmt.Sprintf(`,"metadata":{"name":%q},"spec":{"replicas":%d}}`, name, replicas)
		g.request("APPLY", target+g.query(applyOptions...), "scale", shown, body)
	case 2:
		g.request(pick(g.Rand, "MERGE", "STRATEGIC"), target+g.query(writeOptions...), "scale", shown, fmt.Sprintf(`{"spec":{"replicas":%d}}`, replicas))
	case 3:
		g.request("JSONPATCH", target+g.query(writeOptions...), "scale", shown, fmt.Sprintf(`[{"op":"replace","path":"/spec/replicas","value":%d}]`, replicas))
	default:
		metadata := map[string]any{"name": name}
		if as, ok := g.earlier(name); ok && chance(g.Rand, 60) {
			metadata["resourceVersion"] = "$" + as + ".rv"
		}
		body := head + fmt.Sprintf(`,"metadata":%s,"spec":{"replicas":%d}}`, marshal(metadata), replicas)
		g.request("PUT", target+g.query(writeOptions...), "scale", shown, body)
	}
}
