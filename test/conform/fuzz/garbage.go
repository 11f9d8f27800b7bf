package fuzz

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/test/conform"
)

// NewGarbage makes the sequence of a number about owners and dependents: first they are made, then
// they are deleted. After each step it waits until the garbage collector has done what there is to do:
// what is compared is what is left.
func NewGarbage(seed uint64, number int) Sequence {
	g := &generator{Rand: newRand(seed, number), kinds: []*kind{owning(configMap, nil), owning(widget, ends[widget])}}
	for range 3 + g.IntN(3) {
		g.bear(0) // there is nothing to do yet for the collector
	}
	g.settle()
	for range g.IntN(4) {
		pick(g.Rand, func() { g.bear(8) }, g.adopt, g.release)()
		g.settle()
	}
	for range 3 + g.IntN(5) {
		pick(g.Rand, g.dispose, g.dispose, g.release)()
		g.settle()
	}
	return g.steps
}

// owning is a kind of which nothing but metadata counts.
func owning(k *kind, content map[string]any) *kind {
	out := *k
	out.show, out.content = "none", nil
	for name, value := range content {
		out.content = append(out.content, field{name, 100, oneOf(value)})
	}
	return &out
}

// identities are how an owner is named by kind.
var identities = map[string]map[string]any{
	configMap.collection: {"apiVersion": "v1", "kind": "ConfigMap"},
	widget.collection:    {"apiVersion": "conform.kuberator.dev/v1", "kind": "Widget"},
}

// settle waits until nothing changes any more.
func (g *generator) settle() {
	for _, k := range g.kinds {
		g.steps = append(g.steps, fmt.Sprintf("SETTLE %s -rv -listrv show=none", k.collection))
	}
}

func (g *generator) ask(verb, target, about string, body ...string) {
	as := fmt.Sprintf("x%d", len(g.kept)+1)
	lines := append([]string{fmt.Sprintf("%s %s as=%s -rv show=none", verb, target, as)}, body...)
	g.steps = append(g.steps, strings.Join(lines, "\n  "))
	g.kept = append(g.kept, kept{as: as, object: about})
}

// target is an object, most often one that there was.
func (g *generator) target() (k *kind, name string) {
	return g.kind(), pick(g.Rand, "a", "b", "c", "d")
}

// bear makes an object, which may have owners. In some percent of cases these have another name.
func (g *generator) bear(wrong int) {
	k, name := g.target()
	owners := g.owners(wrong)
	metadata := some(g.Rand, []field{
		{"finalizers", 30, oneOf([]string{finalizer}, []string{finalizer}, []string{"orphan"}, []string{"foregroundDeletion"}, []string{finalizer, "orphan"})},
		{"labels", 30, object(field{"l", 100, oneOf("1")})},
	})
	metadata["name"] = name
	if len(owners) > 0 {
		metadata["ownerReferences"] = owners
	}
	body := some(g.Rand, k.content)
	body["metadata"] = metadata
	g.ask("POST", k.collection, k.collection+" "+name, withKind(k, body))
}

// owners are references to objects that were made.
func (g *generator) owners(wrong int) (out []any) {
	var used []string
	for range pick(g.Rand, 0, 1, 1, 1, 2, 3) {
		if len(g.kept) == 0 {
			return nil
		}
		owner := pick(g.Rand, g.kept...)
		collection, name, made := strings.Cut(owner.object, " ")
		if !made || slices.Contains(used, owner.object) {
			continue
		}
		used = append(used, owner.object)
		if chance(g.Rand, wrong) {
			name = "e" // nobody has this name
		}
		ref := some(g.Rand, []field{{"blockOwnerDeletion", 70, oneOf(true, true, false)}, {"controller", 10, oneOf(false)}})
		ref["name"], ref["uid"] = name, "$"+owner.as+".uid"
		maps.Copy(ref, identities[collection])
		out = append(out, ref)
	}
	return out
}

// release changes the finalizers of an object.
func (g *generator) release() {
	k, name := g.target()
	g.ask("MERGE", k.collection+"/"+name, "", `{"metadata":{"finalizers":`+pick(g.Rand, "null", "null", "null", `["`+finalizer+`"]`)+"}}")
}

// adopt changes the owners of an object.
func (g *generator) adopt() {
	k, name := g.target()
	g.ask("MERGE", k.collection+"/"+name, "", marshal(map[string]any{"metadata": map[string]any{"ownerReferences": g.owners(0)}}))
}

func (g *generator) dispose() {
	k, name := g.target()
	g.ask("DELETE", k.collection+"/"+name, "", g.propagation()...)
}

func (g *generator) propagation() []string {
	policy := pick(g.Rand, "", "Background", "Foreground", "Foreground", "Orphan")
	if policy == "" {
		return nil
	}
	return []string{fmt.Sprintf(`{"propagationPolicy":%q}`, policy)}
}

// AwaitCollector waits until a garbage collector knows the custom resources.
func AwaitCollector(ctx context.Context, real *rest.Config) error {
	script, err := conform.Parse("collector.txt", `# An object whose owner never was goes.
POST $widgets
  {$Widget,"metadata":{"name":"a","ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"o","uid":"none"}]},"spec":{"size":1}}

AWAIT 404 $widgets/a
`)
	if err != nil {
		return err
	}
	_, err = script.Run(ctx, real, &conform.Options{Patience: 2 * time.Minute})
	return err
}
