package kuberator_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// published are the folders with packages that users import: those of the library and of the test
// kit, also in modules of their own.
func published(t *testing.T) (dirs []string) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil || !entry.IsDir():
			return err
		case slices.Contains([]string{"internal", "testdata", "example", "e2e", "fuzz"}, entry.Name()), path != "." && strings.HasPrefix(entry.Name(), "."):
			return filepath.SkipDir
		}
		files := parsed(t, path, false)
		if len(files) > 0 && files[0].Name.Name != "main" && slices.ContainsFunc(files, exports) {
			dirs = append(dirs, path)
		}
		return nil
	})
	require.NoError(t, err)
	return dirs
}

// exports reports whether a file declares something exported.
func exports(file *ast.File) bool {
	for name := range file.Scope.Objects {
		if ast.IsExported(name) {
			return true
		}
	}
	return false
}

// parsed returns the files of a package, or its tests.
func parsed(t *testing.T, dir string, tests bool) (files []*ast.File) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") == tests {
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
			require.NoError(t, err)
			files = append(files, file)
		}
	}
	return files
}

// TestEverythingExportedIsDocumented: packages, functions, methods, types, constants, variables, fields and the
// methods of interfaces. A comment may stand for several names, if it has them in it.
func TestEverythingExportedIsDocumented(t *testing.T) {
	for _, dir := range published(t) {
		documented := false
		for _, file := range parsed(t, dir, false) {
			documented = documented || file.Doc != nil
			for _, decl := range file.Decls {
				for _, name := range undocumented(decl) {
					t.Errorf("%s: %s has no comment", dir, name)
				}
			}
		}
		require.True(t, documented, "package %s has no comment", dir)
	}
}

// undocumented returns the exported names of a declaration that no comment is about.
func undocumented(decl ast.Decl) (names []string) {
	switch decl := decl.(type) {
	case *ast.FuncDecl:
		if decl.Name.IsExported() && decl.Doc == nil && (decl.Recv == nil || ast.IsExported(receiver(decl))) {
			names = append(names, decl.Name.Name)
		}
	case *ast.GenDecl:
		for _, spec := range decl.Specs {
			switch spec := spec.(type) {
			case *ast.ValueSpec:
				for _, name := range spec.Names {
					if name.IsExported() && decl.Doc == nil && spec.Doc == nil && spec.Comment == nil {
						names = append(names, name.Name)
					}
				}
			case *ast.TypeSpec:
				if !spec.Name.IsExported() {
					continue
				}
				about := decl.Doc.Text() + spec.Doc.Text()
				if about == "" {
					names = append(names, spec.Name.Name)
				}
				names = append(names, undocumentedIn(spec, about)...)
			}
		}
	}
	return names
}

// undocumentedIn returns the fields and methods of a type that neither their own comment, nor that of
// a field before them, nor that of the type is about.
func undocumentedIn(spec *ast.TypeSpec, about string) (names []string) {
	var fields *ast.FieldList
	switch of := spec.Type.(type) {
	case *ast.StructType:
		fields = of.Fields
	case *ast.InterfaceType:
		fields = of.Methods
	default:
		return nil
	}
	for _, field := range fields.List {
		own := field.Doc.Text() + field.Comment.Text()
		about += own
		for _, name := range field.Names {
			word := regexp.MustCompile(`\b` + name.Name + `\b`)
			if name.IsExported() && own == "" && !word.MatchString(about) {
				names = append(names, spec.Name.Name+"."+name.Name)
			}
		}
	}
	return names
}

// TestEveryPackageHasExamplesThatRun, and there are many.
func TestEveryPackageHasExamplesThatRun(t *testing.T) {
	// All of it takes a *testing.T, or a manager of controller-runtime, which its tests have.
	needsTest := []string{"test/explore/kuberator", "test/controllerruntime", "controllerruntime"}
	all := 0
	for _, dir := range published(t) {
		running := 0
		examples := doc.Examples(parsed(t, dir, true)...)
		for _, example := range examples {
			if example.Output != "" || example.EmptyOutput {
				running++
			}
		}
		if slices.Contains(needsTest, dir) {
			continue
		}
		require.Positive(t, running, "%s has no Example with output", dir)
		t.Logf("%3d %s", running, dir)
		all += running
	}
	require.GreaterOrEqual(t, all, 70)
}
