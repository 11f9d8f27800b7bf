package main

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/exp/apidiff"
	"golang.org/x/tools/go/packages"
)

type change = apidiff.Change

// load returns the packages of a module that are under the promise of compatibility, with their types.
func load(dir string) (*apidiff.Module, error) {
	const needed = packages.NeedName | packages.NeedTypes | packages.NeedImports | packages.NeedDeps | packages.NeedModule
	found, err := packages.Load(&packages.Config{Dir: dir, Mode: needed}, "./...")
	if err != nil {
		return nil, err
	}
	m := &apidiff.Module{}
	var errs []error
	for _, p := range found {
		for _, err := range p.Errors {
			errs = append(errs, err)
		}
		if p.Module == nil || !promised(p) {
			continue
		}
		m.Path = p.Module.Path
		m.Packages = append(m.Packages, p.Types)
	}
	return m, errors.Join(errs...)
}

// unpromised finds the folders whose packages may change at any time.
var unpromised = regexp.MustCompile(`/(internal|example|e2e|bench|mutants)(/|$)`)

func promised(p *packages.Package) bool {
	return p.Name != "main" && !unpromised.MatchString(p.PkgPath)
}

// compare returns what differs, in an order that is the same each time.
func compare(before, after *apidiff.Module) []change {
	changes := apidiff.ModuleChanges(before, after).Changes
	slices.SortFunc(changes, func(a, b change) int { return strings.Compare(a.Message, b.Message) })
	return changes
}

// What a change is.
const (
	compatible = "compatible"
	announced  = "incompatible, in the changelog"
	silent     = "INCOMPATIBLE, AND NOT IN THE CHANGELOG"
	forbidden  = "INCOMPATIBLE, AND FORBIDDEN SINCE v1"
)

// judge returns what a change since base is. Before v1 an incompatible one is allowed if the changelog of the
// next release has the name of what has changed.
func judge(c change, base, changelog string) string {
	switch {
	case c.Compatible:
		return compatible
	case !strings.HasPrefix(base, "v0."):
		return forbidden
	case named(c, changelog):
		return announced
	default:
		return silent
	}
}

// named reports whether a changelog has the last name of a change, as code: `Thing.Size` stands for
// "./thing.Thing.Size: removed".
func named(c change, changelog string) bool {
	what, _, _ := strings.Cut(c.Message, ": ")
	name := names.FindAllString(what, -1)
	return name != nil && regexp.MustCompile("`[^`\n]*\\b"+name[len(name)-1]+"\\b[^`\n]*`").MatchString(changelog)
}

var names = regexp.MustCompile(`\w+`)

// unreleased returns the part of a changelog about the next release.
func unreleased(changelog string) string {
	_, after, found := strings.Cut(changelog, "\n## [Unreleased]")
	if !found {
		return ""
	}
	part, _, _ := strings.Cut(after, "\n## ")
	return part
}
