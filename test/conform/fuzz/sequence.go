package fuzz

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// Sequence is a list of steps as a script of package conform has them.
type Sequence []string

// New makes the sequence of a number.
func New(seed uint64, number int) Sequence {
	r := newRand(seed, number)
	g := &generator{Rand: r, kinds: groups[r.IntN(len(groups))]}
	if chance(r, 3) && !g.define() {
		return g.steps
	}
	g.create()
	for range 5 + r.IntN(20) {
		g.step()
	}
	g.finish()
	return g.steps
}

func newRand(seed uint64, number int) *rand.Rand {
	return rand.New(rand.NewPCG(seed, uint64(number))) //nolint:gosec // the same sequence each time is what it is for
}

// Text returns the sequence as the text of a script.
func (s Sequence) Text(title string) string {
	return "# " + title + "\n" + strings.Join(s, "\n\n") + "\n"
}

// generator holds what the steps so far have made.
type generator struct {
	*rand.Rand

	kinds   []*kind
	steps   Sequence
	kept    []kept
	watches []string
}

// kept is an answer that later steps may use.
type kept struct {
	as     string
	object string // what it is about, empty for a list
	past   bool   // its resourceVersion may be one of the past, which servers forget when they like
}

// step adds one step, or a few that belong together.
func (g *generator) step() {
	pick(g.Rand,
		g.create, g.create, g.put, g.put, g.put, g.merge, g.merge, g.jsonPatch, g.strategic, g.apply, g.apply, g.apply, g.apply,
		g.status, g.status, g.scale, g.remove, g.remove, g.removeAll, g.finalizers, g.read, g.list, g.list, g.watch,
	)()
}

// kind is one of those of the sequence.
func (g *generator) kind() *kind { return pick(g.Rand, g.kinds...) }

func (g *generator) name() string { return pick(g.Rand, "a", "a", "a", "b", "b", "c") }

// request adds a step with a body, if there is one, and keeps its answer.
func (g *generator) request(verb, target string, about string, k *kind, body ...string) {
	as := fmt.Sprintf("x%d", len(g.kept)+1)
	lines := []string{fmt.Sprintf("%s %s as=%s show=%s +owned", verb, target, as, k.show)}
	for _, line := range body {
		lines = append(lines, "  "+line)
	}
	g.steps = append(g.steps, strings.Join(lines, "\n"))
	g.kept = append(g.kept, kept{as: as, object: about, past: strings.Contains(target, "dryRun=")}) // which repeats what it was sent
}

// earlier returns the name of an answer about an object, or any, the newest one most often.
func (g *generator) earlier(object string) (string, bool) {
	return g.last(func(k kept) bool { return k.object != "" && (object == "" || k.object == object) })
}

// seen returns the name of an answer with a resourceVersion, also that of a list.
func (g *generator) seen() (string, bool) { return g.last(func(k kept) bool { return !k.past }) }

func (g *generator) last(fits func(k kept) bool) (string, bool) {
	for _, k := range slices.Backward(g.kept) {
		if fits(k) && chance(g.Rand, 70) {
			return k.as, true
		}
	}
	return "", false
}

// query makes the query of a request: pairs that are there in some percent of cases.
func (g *generator) query(options ...option) string {
	var pairs []string
	for _, o := range options {
		if chance(g.Rand, o.odds) {
			pairs = append(pairs, o.name+"="+pick(g.Rand, o.values...))
		}
	}
	if len(pairs) == 0 {
		return ""
	}
	return "?" + strings.Join(pairs, "&")
}

type option struct {
	name   string
	odds   int
	values []string
}

var writeOptions = []option{
	{"fieldManager", 40, []string{"m", "n"}}, {"dryRun", 8, []string{"All"}}, {"fieldValidation", 8, []string{"Strict", "Warn", "Ignore"}},
}

// marshal writes a body. What a server reads as numbers, booleans and texts is written so.
func marshal(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) //nolint:forbidigo // it was made here, of maps, lists and plain values
	}
	return string(text)
}

// withKind is a body that says which kind it is of.
func withKind(k *kind, object map[string]any) string {
	rest := strings.TrimPrefix(marshal(object), "{")
	if rest == "}" {
		return "{" + k.body + "}"
	}
	return "{" + k.body + "," + rest
}

func sortedKeys(object map[string]any) []string { return slices.Sorted(maps.Keys(object)) }
