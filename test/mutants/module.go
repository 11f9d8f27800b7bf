package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// errStale says that a mutant does not fit the code any more.
type errStale struct{ error }

// apply returns the text of the mutated file.
func (m mutant) apply(module string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(module, m.File))
	if err != nil {
		return nil, errStale{err}
	}
	if n := strings.Count(string(text), m.Find); n != 1 {
		return nil, errStale{fmt.Errorf("what to find stands %d times in %s, not once", n, m.File)}
	}
	return []byte(strings.Replace(string(text), m.Find, m.Replace, 1)), nil
}

// catalogue remembers the names of the tests of each directory.
type catalogue map[string][]string

// missing returns a mistake for each pattern of tests that matches no test.
func (c catalogue) missing(m mutant, module string) (errs []error) {
	for _, s := range m.Tests {
		names, err := c.in(filepath.Join(module, s.Package))
		if err != nil {
			errs = append(errs, m.mistake("tests: "+err.Error()))
			continue
		}
		for _, pattern := range s.patterns() {
			if !matchesAny(pattern, names) {
				errs = append(errs, m.mistake(fmt.Sprintf("tests: no test of %s matches %q", s.Package, pattern)))
			}
		}
	}
	return errs
}

func matchesAny(pattern string, names []string) bool {
	whole := regexp.MustCompile("^(" + pattern + ")$") // load has compiled the pattern before
	return slices.ContainsFunc(names, whole.MatchString)
}

func (c catalogue) in(dir string) ([]string, error) {
	if names, ok := c[dir]; ok {
		return names, nil
	}
	names, err := testsIn(dir)
	if err == nil {
		c[dir] = names
	}
	return names, err
}

// testsIn returns the names of the tests in a directory. It reads the files instead of
// asking go test -list, which would link each package.
func testsIn(dir string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, decl := range parsed.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && isTest(f.Name.Name) {
				names = append(names, f.Name.Name)
			}
		}
	}
	return names, nil
}

// isTest holds for fuzz tests too: without -fuzz they run their seeds.
func isTest(name string) bool {
	return name != "TestMain" && (strings.HasPrefix(name, "Test") || strings.HasPrefix(name, "Fuzz"))
}
