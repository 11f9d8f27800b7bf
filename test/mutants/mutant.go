package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"sigs.k8s.io/yaml"
)

// mutant is one change that breaks the library, and the tests that must notice.
type mutant struct {
	// Name is unique among all lists.
	Name string `json:"name"`
	// Kills are the numbers of the guarantees that are broken, as in docs/guarantees.md. The test
	// kit gives none.
	Kills []string `json:"kills"`
	// File is changed, Find in it, which must stand there exactly once, to Replace.
	File    string `json:"file"`
	Find    string `json:"find"`
	Replace string `json:"replace"`
	// Tests must fail, one of them at least.
	Tests []selection `json:"tests"`
	// Why says what would go wrong in the field.
	Why string `json:"why"`

	list string // the file it was read from
}

// selection is some tests of one package.
type selection struct {
	// Package is a path from the root of the module, such as ./finalizer.
	Package string `json:"package"`
	// Run is names of tests, or regular expressions that match whole names, with | in
	// between.
	Run string `json:"run"`
	// Env is added to the environment.
	Env map[string]string `json:"env,omitempty"`
}

func (s selection) patterns() []string { return strings.Split(s.Run, "|") }

// load reads all lists. It returns an error that names each mistake.
func load(module, lists string) ([]mutant, error) {
	files, err := filepath.Glob(filepath.Join(module, lists, "*.yaml"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no *.yaml in %s: run it from the root of the module", filepath.Join(module, lists))
	}
	var all []mutant
	var errs []error
	listed := map[string]string{}
	for _, file := range files {
		mutants, err := loadList(file)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", filepath.Base(file), err))
		}
		for _, m := range mutants {
			m.list = filepath.Base(file)
			errs = append(errs, m.validate()...)
			if other := listed[m.Name]; other != "" {
				errs = append(errs, m.mistake("the name stands in "+other+" too"))
			}
			listed[m.Name] = m.list
			all = append(all, m)
		}
	}
	return all, errors.Join(errs...)
}

func loadList(file string) ([]mutant, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var mutants []mutant
	if err := yaml.UnmarshalStrict(text, &mutants); err != nil {
		return nil, err
	}
	if len(mutants) == 0 {
		return nil, errors.New("it is empty")
	}
	return mutants, nil
}

func (m mutant) mistake(what string) error {
	return fmt.Errorf("%s: mutant %q: %s", m.list, m.Name, what)
}

var (
	nameFormat      = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	guaranteeFormat = regexp.MustCompile(`^[GS][0-9]+x?$`)
	packageFormat   = regexp.MustCompile(`^\.(/\w+)+$`)
)

// validate tells what is wrong with the mutant by itself, without the module.
func (m mutant) validate() (errs []error) {
	need := func(ok bool, what string) {
		if !ok {
			errs = append(errs, m.mistake(what))
		}
	}
	need(nameFormat.MatchString(m.Name), "the name must be lower-case words with - in between")
	need(m.File != "" && filepath.IsLocal(m.File), "file must be a path in the module")
	need(strings.TrimSpace(m.Find) != "", "find is missing")
	need(m.Find != m.Replace, "find and replace are the same")
	need(strings.TrimSpace(m.Why) != "", "why is missing")
	need(len(m.Kills) > 0 || strings.HasPrefix(m.File, "test/"), "kills is missing: the numbers of the guarantees, such as [G4]")
	for _, number := range m.Kills {
		need(guaranteeFormat.MatchString(number), fmt.Sprintf("kills: %q is not the number of a guarantee, such as G4 or S5", number))
	}
	need(len(m.Tests) > 0, "tests is missing")
	for _, s := range m.Tests {
		need(packageFormat.MatchString(s.Package), fmt.Sprintf("tests: package %q is not a path such as ./finalizer", s.Package))
		need(s.Run != "", "tests: run is missing: the tests that must notice")
		need(!strings.Contains(s.Run, "/"), "tests: run names whole tests, not parts of them")
		for _, pattern := range s.patterns() {
			_, err := regexp.Compile(pattern)
			need(err == nil && (pattern != "" || s.Run == ""), fmt.Sprintf("tests: run: %q is not a pattern", pattern))
		}
	}
	return errs
}
