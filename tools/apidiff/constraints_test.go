package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A constraint may allow more types, and not less.
func TestConstraints(t *testing.T) {
	for name, c := range map[string]struct {
		before, after string
		refused       bool
	}{
		"any to a union":      {"func F[T any](T) {}", "func F[T int | string](T) {}", true},
		"less of a union":     {"func F[T int | string](T) {}", "func F[T int](T) {}", true},
		"of a type":           {"type X[T int | string] struct{ A T }", "type X[T int] struct{ A T }", true},
		"a union with a name": {"type C interface{ int | string }\n\nfunc F[T C](T) {}", "type C interface{ int }\n\nfunc F[T C](T) {}", true},
		"an approximation":    {"func F[T ~int](T) {}", "func F[T int](T) {}", true},
		"any to comparable":   {"func F[T any](T) {}", "func F[T comparable](T) {}", true},
		"the same":            {"func F[T ~int | string](T) {}", "func F[E ~int | string](E) {}", false},
		"more of a union":     {"func F[T int](T) {}", "func F[T ~int | string](T) {}", false},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProject(t)
			p.write("thing/x.go", "package thing\n\n"+c.before+"\n")
			p.commit("v1.0.0")
			p.write("thing/x.go", "package thing\n\n"+c.after+"\n")
			out, err := p.run("")
			require.Equal(t, c.refused, err != nil, out)
		})
	}
}
