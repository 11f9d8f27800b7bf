package conform_test

import (
	"fmt"
	"os"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/kuberator/kuberator/test/conform"
)

func ExampleParse() {
	script, err := conform.Parse("noop.txt", `# A patch that changes nothing writes nothing.
POST $configmaps
  {$ConfigMap,"metadata":{"name":"a"},"data":{"k":"v"}}
< 201 ConfigMap $ns/a: uid1 rv1

MERGE $configmaps/a
  {"data":{"k":"v"}}
< 200 ConfigMap $ns/a: uid1 rv1
`)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, step := range script.Steps {
		fmt.Println(step.Line, step.Command, step.Answer)
	}
	// Output:
	// 2 POST $configmaps [201 ConfigMap $ns/a: uid1 rv1]
	// 6 MERGE $configmaps/a [200 ConfigMap $ns/a: uid1 rv1]
}

// TestParseKeepsText shows that a script that is recorded keeps its comments.
func TestParseKeepsText(t *testing.T) {
	text := `# What it shows.
# And more of it.
POST $widgets as=w show=spec.size,status +message
Accept: application/json
  {$Widget,"metadata":{"name":"a"}}
< 201 Widget $ns/a: uid1 rv1
<   spec {"size":1}

# A comment in the middle.
WATCH w1 $widgets?resourceVersion=$w.rv

EVENTS w1 1
< ADDED Widget

DELETE $widgets/a

# The end.
`
	script, err := conform.Parse("a.txt", text)
	require.NoError(t, err)
	require.Equal(t, text, script.String())
	require.Equal(t, "a", script.Name)
	require.Len(t, script.Steps, 4)
}

// TestBadScripts shows that a mistake in a script is an error that names its place.
func TestBadScripts(t *testing.T) {
	for name, c := range map[string]struct{ text, err string }{
		"no comment":          {"GET $widgets\n", `parsing script a.txt:1: a script begins with a comment that says what it shows, not with "GET $widgets"`},
		"unknown step":        {"# x\nFETCH $widgets\n", `parsing script a.txt:2: "FETCH" is no step`},
		"unknown option":      {"# x\nGET $widgets quickly\n", `parsing script a.txt:2: "quickly" is no option of GET`},
		"unknown placeholder": {"# x\nGET $gadgets\n", `parsing script a.txt:2: "$gadgets" is no placeholder, and no step above has as=gadgets`},
		"unknown kind":        {"# x\nPOST $widgets\n  {$Gadget}\n", `parsing script a.txt:2: "$Gadget" is no placeholder, and no step above has as=Gadget`},
		"capture below":       {"# x\nGET $widgets/$w.uid\nGET $widgets as=w\n", `"$w.uid" is no placeholder, and no step above has as=w`},
		"taken name":          {"# x\nGET $widgets as=ns\n", `parsing script a.txt:2: as=ns takes the name of a placeholder`},
		"missing body":        {"# x\nPOST $widgets\n< 201\n", `parsing script a.txt:2: the step "POST $widgets" has no body; body=none sends none`},
		"body and none":       {"# x\nPOST $widgets body=none\n  {}\n", `says body=none and has a body`},
		"missing path":        {"# x\nGET\n", `parsing script a.txt:2: GET wants a path`},
		"body of events":      {"# x\nWATCH w $widgets\nEVENTS w 1\n  {}\n", `parsing script a.txt:4: a body does not belong to the step "EVENTS", which sends nothing`},
		"body below answer":   {"# x\nPOST $widgets\n  {}\n< 201\n  {}\n", `parsing script a.txt:5: a body stands above the answer`},
		"body above":          {"# x\n  {}\n", `parsing script a.txt:2: a body belongs to a step, and there is none above it`},
		"answer apart":        {"# x\nGET $widgets\n\n< 200\n", `parsing script a.txt:4: an answer follows its step at once`},
		"unknown watch":       {"# x\nEVENTS w 1\n", `parsing script a.txt:2: no step above opens a watch "w"`},
		"watch twice":         {"# x\nWATCH w $widgets\nWATCH w $widgets\n", `there is a watch "w" already`},
		"watch without path":  {"# x\nWATCH w\n", `parsing script a.txt:2: WATCH wants a name and a path`},
		"events without end":  {"# x\nWATCH w $widgets\nEVENTS w\n", `parsing script a.txt:3: EVENTS w wants a number of events, to=TYPE, to=closed or only=TYPE/name`},
		"no event":            {"# x\nWATCH w $widgets\nEVENTS w 0\n", `or only=TYPE/name, not "0"`},
		"await without code":  {"# x\nAWAIT soon $widgets\n", `parsing script a.txt:2: AWAIT wants a status code, not "soon"`},
		"patch without type":  {"# x\nPATCH $widgets/a\n", `the step "PATCH $widgets/a" has no body`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := conform.Parse("a.txt", c.text)
			require.ErrorContains(t, err, c.err)
		})
	}
}

func TestLoadNeedsScripts(t *testing.T) {
	_, err := conform.Load(fstest.MapFS{"b/a.txt": {Data: []byte("x")}}, "a")
	require.EqualError(t, err, "loading scripts: there is no *.txt in a")
	_, err = conform.Load(fstest.MapFS{"b/a.txt": {Data: []byte("x")}}, "b")
	require.ErrorContains(t, err, "parsing script a.txt:1")
}

// TestEveryStepIsRecorded finds a step whose answer nobody recorded: it would agree
// with nothing.
func TestEveryStepIsRecorded(t *testing.T) {
	all, err := conform.Load(os.DirFS("."), scripts)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(all), 120)
	for _, script := range all {
		require.NotEmpty(t, script.Steps, script.Name)
		for _, step := range script.Steps {
			if step.Command[:5] != "CLOSE" {
				require.NotEmpty(t, step.Answer, "%s.txt:%d: run go test -record", script.Name, step.Line)
			}
		}
	}
}

func TestDifferencesNameTheStep(t *testing.T) {
	const text = "# x\nGET $widgets\n< 200 WidgetList: rv current\n\nGET $plains\n< 200\n"
	script, err := conform.Parse("a.txt", text)
	require.NoError(t, err)
	require.Empty(t, script.Differences(script))

	other, err := conform.Parse("a.txt", text)
	require.NoError(t, err)
	other.Steps[0].Answer = []string{"404 NotFound"}
	other.Steps = other.Steps[:1]
	require.Equal(t, []string{
		"a.txt:2: GET $widgets\nwant:\n  200 WidgetList: rv current\ngot:\n  404 NotFound",
		"a.txt:5: GET $plains\nwas not reached",
	}, script.Differences(other))
}
