package main

import (
	"fmt"
	"go/token"
	"go/types"
	"strings"

	"golang.org/x/exp/apidiff"
)

// narrowed returns the type parameters that do not allow a type any more which they allowed. Package apidiff looks at
// the methods of a constraint, and not at its types.
func narrowed(before, after *apidiff.Module) (changes []change) {
	is := map[string]*types.Package{}
	for _, p := range after.Packages {
		is[strings.TrimPrefix(p.Path(), after.Path)] = p
	}
	for _, p := range before.Packages {
		folder := strings.TrimPrefix(p.Path(), before.Path)
		now := is[folder]
		if now == nil {
			continue
		}
		for _, name := range p.Scope().Names() {
			old, later := parameters(p.Scope().Lookup(name)), parameters(now.Scope().Lookup(name))
			if !token.IsExported(name) || old.Len() != later.Len() {
				continue
			}
			for i := range old.Len() {
				if lost := loses(old.At(i), later.At(i)); lost != nil {
					where := strings.TrimPrefix("."+folder+"."+name, "..")
					changes = append(changes, change{Message: fmt.Sprintf("%s: %s cannot be %s any more", where, later.At(i), lost)})
				}
			}
		}
	}
	return changes
}

func parameters(obj types.Object) *types.TypeParamList {
	switch obj := obj.(type) {
	case *types.Func:
		return obj.Signature().TypeParams()
	case *types.TypeName:
		if named, ok := obj.Type().(*types.Named); ok {
			return named.TypeParams()
		}
	}
	return nil
}

// loses returns a type that only the constraint of before allows, or nil.
func loses(before, after *types.TypeParam) types.Type {
	for _, t := range samples {
		if types.Satisfies(t, constraint(before)) && !types.Satisfies(t, constraint(after)) {
			return t
		}
	}
	return nil
}

func constraint(p *types.TypeParam) *types.Interface {
	return p.Constraint().Underlying().(*types.Interface)
}

// samples are types without methods, and one of a name of its own for each.
var samples = func() (all []types.Type) {
	for _, t := range types.Typ {
		if t.Info()&types.IsUntyped == 0 && t.Kind() != types.Invalid && t.Kind() != types.UnsafePointer {
			all = append(all, t)
		}
	}
	all = append(all, types.NewSlice(types.Typ[types.Byte]), types.NewSlice(types.Typ[types.String]),
		types.NewMap(types.Typ[types.String], types.Typ[types.String]), types.NewStruct(nil, nil))
	for _, t := range all {
		name := types.NewTypeName(token.NoPos, nil, "a type whose underlying type is "+t.String(), nil)
		all = append(all, types.NewNamed(name, t, nil))
	}
	return all
}()
