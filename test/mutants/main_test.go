package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const tiny = "testdata/tiny"

// onTiny is a mutant of the module in testdata.
func onTiny(name, find, replace, tests string) mutant {
	return mutant{
		Name: name, Kills: []string{"G1"}, File: "limit/limit.go", Find: find, Replace: replace, Why: "It is wrong.",
		Tests: []selection{{Package: "./limit", Run: tests}}, list: "list.yaml",
	}
}

// run returns what the runner prints.
func run(t *testing.T, verbose bool, mutants ...mutant) (string, error) {
	t.Helper()
	if testing.Short() {
		t.Skip("it compiles modules")
	}
	var out strings.Builder
	r := &runner{module: tiny, mutants: mutants, out: &out, parallel: 2, timeout: 10 * time.Second, verbose: verbose}
	for _, m := range mutants {
		require.Empty(t, m.validate())
		if m.Name == "hangs" {
			r.timeout = time.Second
		}
	}
	err := r.run(t.Context())
	return out.String(), err
}

func TestWhatBecomesOfAMutant(t *testing.T) {
	before, err := os.ReadFile(filepath.Join(tiny, "limit/limit.go"))
	require.NoError(t, err)
	out, err := run(t, true,
		onTiny("wrong-way", "n > limit", "n < limit", "TestDouble|TestLimited"),
		onTiny("not-seen", "2 * n", "3 * n", "TestDouble"),
		onTiny("not-there", "2 * m", "3 * m", "TestDouble"),
		onTiny("there-twice", "int) int {", "int) (_ int) {", "TestLimited"),
		onTiny("no-code", "2 * n", "2 * m", "TestDouble"),
	)
	require.EqualError(t, err, "4 of 5 mutants were not killed by a test")
	require.Regexp(t, `(?m)^killed +\S+ +wrong-way +G1 +TestLimited\n +limit_test.go:\d+: got 5$`, out)
	require.Regexp(t, `(?m)^SURVIVED +\S+ +not-seen +G1 +\n +in the field: It is wrong\.$`, out)
	require.Regexp(t, `(?m)^STALE +\S+ +not-there +G1 +\n +what to find stands 0 times in limit/limit.go, not once; repair list.yaml$`, out)
	require.Regexp(t, `(?m)^STALE +\S+ +there-twice +G1 +\n +what to find stands 2 times`, out)
	require.Regexp(t, `(?m)^DOES NOT COMPILE +\S+ +no-code +G1 +\n(.*\n)* +.*undefined: m`, out)
	require.True(t, strings.HasSuffix(out, "\n1 passed, 4 failed\n"), out)
	after, err := os.ReadFile(filepath.Join(tiny, "limit/limit.go"))
	require.NoError(t, err)
	require.Equal(t, string(before), string(after), "the module is never written to")
}

func TestAMutantThatHangsIsKilledByTheTimeout(t *testing.T) {
	out, err := run(t, false, onTiny("hangs", "<-done", "select {}", "TestWait"))
	require.NoError(t, err)
	require.Regexp(t, `(?m)^killed by timeout +\S+ +hangs +G1 +TestWait$`, out)
	require.Contains(t, out, "1 passed, 0 failed")
}

func TestAMutantThatEndsTheProcessIsKilledByTheTestThatRan(t *testing.T) {
	out, err := run(t, false, onTiny("exits", "<-done", "go func() { panic(1) }()\n\t<-make(chan int)", "TestWait|TestRed"))
	require.NoError(t, err)
	require.Regexp(t, `(?m)^killed +\S+ +exits +G1 +TestWait$`, out)
}

func TestATestThatIsRedAnywayKillsNothing(t *testing.T) {
	m := onTiny("red", "2 * n", "3 * n", "TestRed")
	_, err := run(t, false, m)
	require.EqualError(t, err, "1 of 1 mutants were not killed by a test")
	m.Tests[0].Env = map[string]string{"RED": "1"}
	_, err = run(t, false, m)
	require.ErrorContains(t, err, "without a mutant TestRed fails in ./limit")
	require.ErrorContains(t, err, "red anyway")
}

func TestATestThatDoesNotExist(t *testing.T) {
	_, err := run(t, false, onTiny("x", "2 * n", "3 * n", "TestDouble|TestGone"))
	require.EqualError(t, err, `list.yaml: mutant "x": tests: no test of ./limit matches "TestGone"`)
	m := onTiny("x", "2 * n", "3 * n", "TestDouble")
	m.Tests[0].Package = "./gone"
	_, err = run(t, false, m)
	require.ErrorContains(t, err, "no test of ./gone")
}

const good = `
- name: x
  kills: [G1]
  file: limit/limit.go
  find: a
  replace: b
  tests:
    - package: ./limit
      run: TestX
  why: it is wrong
`

func TestBadData(t *testing.T) {
	for name, c := range map[string]struct{ old, new, says string }{
		"unknown field":    {"kills:", "kils:", `unknown field "kils"`},
		"field twice":      {"  why:", "  file: y\n  why:", `key "file" already set`},
		"no name":          {"name: x", "name: ''", "lower-case words"},
		"bad name":         {"name: x", "name: X y", "lower-case words"},
		"name twice":       {good, good + good, "the name stands in list.yaml too"},
		"no guarantee":     {"[G1]", "[]", "kills is missing"},
		"bad guarantee":    {"[G1]", "[1]", "kills"},
		"odd guarantee":    {"[G1]", "[X1]", `"X1" is not the number of a guarantee`},
		"no file":          {"limit/limit.go", "''", "a path in the module"},
		"file outside":     {"limit/limit.go", "../x.go", "a path in the module"},
		"no find":          {"find: a", "find: ''", "find is missing"},
		"same":             {"replace: b", "replace: a", "find and replace are the same"},
		"no why":           {"why: it is wrong", "why: ''", "why is missing"},
		"no tests":         {"tests:\n    - package: ./limit\n      run: TestX", "tests: []", "tests is missing"},
		"no run":           {"run: TestX", "run: ''", "run is missing"},
		"bad run":          {"run: TestX", "run: Test(", "not a pattern"},
		"empty run":        {"run: TestX", "run: TestX|", "not a pattern"},
		"part of a test":   {"run: TestX", "run: TestX/part", "whole tests"},
		"bad package":      {"./limit", "limit", "not a path such as"},
		"no list":          {good, "", "it is empty"},
		"code as a scalar": {"find: a", "find: case x:", "list.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			text := strings.Replace(good, c.old, c.new, 1)
			require.NotEqual(t, good, text)
			require.NoError(t, os.WriteFile(filepath.Join(dir, "list.yaml"), []byte(text), 0o600))
			_, err := load(dir, ".")
			require.ErrorContains(t, err, c.says)
		})
	}
	_, err := load(t.TempDir(), ".")
	require.ErrorContains(t, err, "from the root of the module")
}

func TestCommand(t *testing.T) {
	var out strings.Builder
	at := []string{"-C", "../..", "-run", "^finalizer-"}
	require.NoError(t, command(append(at, "-list"), &out))
	require.Contains(t, out.String(), "finalizer-write-without-uid")
	require.NotContains(t, out.String(), "kerr-")
	require.EqualError(t, command(append(at, "x"), &out), `unknown argument "x"`)
	require.EqualError(t, command([]string{"-C", "../..", "-run", "no-such-mutant"}, &out), `no mutant matches -run "no-such-mutant"`)
	require.ErrorContains(t, command([]string{"-run", "("}, &out), "-run")
}

// TestTheListsAreTrue keeps them so without running a mutant: what is to be found is
// there once, the tests exist, and so do the guarantees, of which each has a mutant.
func TestTheListsAreTrue(t *testing.T) {
	const module = "../.."
	mutants, err := load(module, "test/mutants/list")
	require.NoError(t, err)
	require.Greater(t, len(mutants), 40)
	broken := map[string]bool{}
	for _, number := range guarantees(t, module) {
		broken[number] = false
	}
	require.Greater(t, len(broken), 20)
	tests := catalogue{}
	for _, m := range mutants {
		_, err := m.apply(module)
		require.NoError(t, err, "%s: mutant %s", m.list, m.Name)
		require.Empty(t, tests.missing(m, module))
		for _, number := range m.Kills {
			require.Contains(t, broken, number, "%s: mutant %s: docs/guarantees.md has no such guarantee", m.list, m.Name)
			broken[number] = true
		}
	}
	for number, some := range broken {
		require.True(t, some, "no mutant breaks guarantee %s", number)
	}
}

// guarantees returns the numbers in headings, such as G4.
func guarantees(t *testing.T, module string) (numbers []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(module, "docs/guarantees.md"))
	require.NoError(t, err)
	for _, heading := range regexp.MustCompile(`(?m)^### ([GS]\d.*)$`).FindAllStringSubmatch(string(text), -1) {
		numbers = append(numbers, regexp.MustCompile(`\b[GS]\d+x?\b`).FindAllString(heading[1], -1)...)
	}
	return numbers
}
