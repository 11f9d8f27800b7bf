package fuzz

import (
	"fmt"
	"maps"
	"strings"
)

func (g *generator) read() {
	k, name := g.kind(), g.name()
	target := k.collection + "/" + name
	if k.status != nil && chance(g.Rand, 20) {
		target += "/status"
	}
	g.request("GET", target, name, k)
}

// list reads a collection, a page of it, or how it was.
func (g *generator) list() {
	k := g.kind()
	query := g.query(append(selectors, option{"limit", 30, []string{"1", "2"}})...)
	if as, ok := g.seen(); ok && chance(g.Rand, 25) {
		g.request("GET", k.collection, "", k) // from here on the cache of the server is new enough
		query = join(query, "resourceVersion=$"+as+".rv")
		if chance(g.Rand, 70) {
			query = join(query, "resourceVersionMatch="+pick(g.Rand, "Exact", "NotOlderThan"))
		}
	}
	g.request("GET", k.collection+query, "", k)
	page := &g.kept[len(g.kept)-1]
	page.past = strings.Contains(query, "limit=")
	if page.past && chance(g.Rand, 60) {
		if chance(g.Rand, 30) {
			g.create()
		}
		selection := ""
		for pair := range strings.SplitSeq(strings.TrimPrefix(query, "?"), "&") {
			if !strings.HasPrefix(pair, "resourceVersion") {
				selection = join(selection, pair)
			}
		}
		g.request("GET", k.collection+join(selection, "continue=$"+page.as+".continue"), "", k)
		g.kept[len(g.kept)-1].past = true
	}
}

func join(query, pair string) string {
	if query == "" {
		return "?" + pair
	}
	return query + "&" + pair
}

// watch opens a watch, whose events finish reads.
func (g *generator) watch() {
	if len(g.watches) >= 2 {
		g.list()
		return
	}
	k := g.kind()
	query := g.query(option{"labelSelector", 30, []string{"l=1", "l", "!m"}}, option{"fieldSelector", 10, []string{"metadata.name!=a"}})
	if as, ok := g.seen(); ok && chance(g.Rand, 70) {
		query = join(query, "resourceVersion=$"+as+".rv")
	} else if chance(g.Rand, 50) {
		query = join(query, "resourceVersion=0")
	}
	g.request("GET", k.collection, "", k) // from here on the cache of the server is new enough
	name := fmt.Sprintf("w%d", len(g.watches)+1)
	g.steps = append(g.steps, "WATCH "+name+" "+k.collection+query)
	g.watches = append(g.watches, fmt.Sprintf("EVENTS %s to=ADDED/end show=%s +owned", name, k.show))
}

// finish shows what has become of everything, and what the watches have seen: all of it, up to
// an object that each of them shows.
func (g *generator) finish() {
	for _, k := range g.kinds {
		g.request("GET", k.collection, "", k)
	}
	if len(g.watches) == 0 {
		return
	}
	k := g.kinds[0]
	end := map[string]any{"metadata": map[string]any{"name": "end", "labels": map[string]string{"l": "1"}}}
	maps.Copy(end, ends[k])
	g.request("POST", k.collection, "end", k, withKind(k, end))
	g.steps = append(g.steps, g.watches...)
}

// ends are what an object needs to be valid.
var ends = map[*kind]map[string]any{
	widget:  {"spec": map[string]any{"size": 1}},
	service: {"spec": map[string]any{"ports": []any{map[string]any{"port": 80}}}},
	deployment: {"spec": map[string]any{
		"selector": map[string]any{"matchLabels": map[string]any{"app": "x"}},
		"template": map[string]any{
			"metadata": map[string]any{"labels": map[string]any{"app": "x"}},
			"spec":     map[string]any{"containers": []any{map[string]any{"name": "c", "image": "i"}}},
		},
	}},
}
