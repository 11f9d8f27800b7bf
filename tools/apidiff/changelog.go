package main

import (
	"path"
	"regexp"
	"strings"

	"golang.org/x/mod/semver"
)

var (
	heading = regexp.MustCompile(`^## \[(.*?)\]`)
	code    = regexp.MustCompile("`([^`\n]*)`")
	methods = strings.NewReplacer("(*", "", "(", "", ")", "", "./", "")
)

// news returns the names, in backticks, that the changelog has under Changed and Removed since a version.
func news(changelog, since string) map[string]bool {
	names := map[string]bool{}
	newer, counts := false, false
	for line := range strings.Lines(changelog) {
		switch h := heading.FindStringSubmatch(line); {
		case h != nil:
			newer, counts = h[1] == "Unreleased" || semver.Compare("v"+h[1], since) > 0, false
		case strings.HasPrefix(line, "### "):
			what := strings.TrimSpace(line[len("### "):])
			counts = what == "Changed" || what == "Removed"
		case newer && counts:
			for _, name := range code.FindAllStringSubmatch(line, -1) {
				names[strings.TrimSuffix(name[1], "()")] = true
			}
		}
	}
	return names
}

// named reports whether a change is announced: "./thing.(*Thing).Grow: removed" by `thing.Thing.Grow` or `thing.Thing`,
// and "package example.com/m/thing: removed" by `thing`. What has no folder is of the package root.
func named(message, root string, announced map[string]bool) bool {
	what, _, _ := strings.Cut(message, ": ")
	if whole, is := strings.CutPrefix(what, "package "); is {
		return announced[path.Base(whole)]
	}
	name := path.Base(methods.Replace(what))
	if !strings.HasPrefix(what, "./") {
		name = root + "." + name
	}
	for {
		if announced[name] {
			return true
		}
		dot := strings.LastIndex(name, ".")
		if dot < 0 || strings.Count(name, ".") == 1 {
			return false
		}
		name = name[:dot]
	}
}
