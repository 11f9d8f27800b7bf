package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/exp/apidiff"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
	"golang.org/x/tools/go/packages"
)

type change = apidiff.Change

// load returns the packages of a module that are under the promise of compatibility, with their types.
func load(ctx context.Context, dir string) (*apidiff.Module, error) {
	const needed = packages.NeedName | packages.NeedTypes | packages.NeedImports | packages.NeedDeps | packages.NeedModule
	env := append(os.Environ(), "GOWORK=off") // the other revision has none
	found, err := packages.Load(&packages.Config{Context: ctx, Dir: dir, Env: env, Mode: needed}, "./...")
	if err != nil {
		return nil, err
	}
	m := &apidiff.Module{}
	var errs []error
	for _, p := range found {
		for _, err := range p.Errors {
			errs = append(errs, err)
		}
		if p.Module == nil {
			continue
		}
		m.Path = p.Module.Path
		if p.Name != "main" && !unpromised.MatchString(strings.TrimPrefix(p.PkgPath, p.Module.Path)) {
			m.Packages = append(m.Packages, p.Types)
		}
	}
	return m, errors.Join(errs...)
}

// unpromised finds the folders of which docs/compatibility.md says that they may change at any time.
var unpromised = regexp.MustCompile(`/(internal|example|tools|testdata|e2e|bench|mutants|clients|conform|controlplane|observability)(/|$)`)

// compare returns what differs, in an order that is the same each time.
func compare(before, after *apidiff.Module) []change {
	changes := append(apidiff.ModuleChanges(before, after).Changes, narrowed(before, after)...)
	if before.Path != after.Path && !nextMajor(before.Path, after.Path) {
		changes = append(changes, change{Message: fmt.Sprintf("package %s: the module is called %s now", before.Path, after.Path)})
	}
	slices.SortFunc(changes, func(a, b change) int { return strings.Compare(a.Message, b.Message) })
	return changes
}

// nextMajor reports whether the path of a module is that of a later major version.
func nextMajor(before, after string) bool {
	was, old, _ := module.SplitPathVersion(before)
	is, now, ok := module.SplitPathVersion(after)
	return ok && was == is && now != old
}

// compared are two states of a module.
type compared struct {
	changes []change
	next    bool   // it is the next major version
	root    string // the name of the package in its folder
}

// What a change is.
const (
	compatible = "compatible"
	announced  = "incompatible, in the changelog"
	silent     = "INCOMPATIBLE, AND NOT IN THE CHANGELOG"
	forbidden  = "INCOMPATIBLE, AND FORBIDDEN SINCE v1"
)

// judge returns what a change since a version is. Before v1, and from one major version to the next, an incompatible
// one is allowed if the changelog has it.
func judge(c change, version string, m compared, told map[string]bool) string {
	switch {
	case c.Compatible:
		return compatible
	case !m.next && semver.Compare(version, "v1.0.0") >= 0:
		return forbidden
	case named(c.Message, m.root, told):
		return announced
	default:
		return silent
	}
}
