package fuzz

var selectors = []option{
	{"labelSelector", 40, []string{"l=1", "l=1", "l!=1", "l", "!l", "l%20in%20(1,2)"}},
	{"fieldSelector", 10, []string{"metadata.name!=a", "metadata.name=b"}},
}

// deleteOptions are those that a deletion sends in its body, empty if there are none.
func (g *generator) deleteOptions(name string) []string {
	out := some(g.Rand, []field{
		{"propagationPolicy", 20, oneOf("Background", "Foreground", "Orphan")},
		{"orphanDependents", 6, oneOf(true, false)},
		{"gracePeriodSeconds", 10, oneOf(0, 1, 30)},
		{"dryRun", 8, oneOf([]string{"All"})},
	})
	if as, ok := g.earlier(name); ok && name != "" && chance(g.Rand, 25) {
		out["preconditions"] = some(g.Rand, []field{{"uid", 60, oneOf("$" + as + ".uid")}, {"resourceVersion", 50, oneOf("$" + as + ".rv")}})
	}
	if len(out) == 0 && chance(g.Rand, 70) {
		return nil
	}
	return []string{marshal(out)}
}

func (g *generator) remove() {
	k, name := g.kind(), g.name()
	g.request("DELETE", k.collection+"/"+name, name, k, g.deleteOptions(name)...)
}

func (g *generator) removeAll() {
	k := g.kind()
	if chance(g.Rand, 50) {
		g.remove() // a collection that is empty has little to show
		return
	}
	query := g.query(append(selectors, option{"limit", 15, []string{"1", "2"}})...)
	g.request("DELETE", k.collection+query, "", k, g.deleteOptions("")...)
}
