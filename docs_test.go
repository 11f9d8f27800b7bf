package kuberator_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// filesOf returns the text of all files of the module whose names end in a suffix, such as those of Go or of its tests.
func filesOf(t *testing.T, suffix string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, suffix) || path == "docs_test.go" {
			return err
		}
		text, err := os.ReadFile(path)
		all.Write(text)
		return err
	})
	require.NoError(t, err)
	return all.String()
}

// read returns the text of a file of the repository.
func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

// documents returns the paths of all documents of the module, but of the changelog.
func documents(t *testing.T) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && strings.HasSuffix(path, ".md") && path != "CHANGELOG.md" {
			paths = append(paths, path)
		}
		return err
	})
	require.NoError(t, err)
	return paths
}

// TestCodeInDocumentsIsCompiled finds every Go block of the documents, but for how far it is indented, and for the
// module that a reader of the tutorial has, in a Go file of the module.
func TestCodeInDocumentsIsCompiled(t *testing.T) {
	indent := regexp.MustCompile(`(?m)^\t+`)
	code := indent.ReplaceAllString(filesOf(t, ".go"), "")
	code = regexp.MustCompile(`github.com/kuberator/kuberator/example/tutorial/step\d/`).ReplaceAllString(code, "example.com/website/")
	block := regexp.MustCompile("(?s)```go\n(.*?)```")
	blocks := 0
	for _, document := range documents(t) {
		for _, match := range block.FindAllStringSubmatch(read(t, document), -1) {
			require.True(t, strings.Contains(code, indent.ReplaceAllString(match[1], "")), "a Go block of %s stands in no Go file:\n%s", document, match[1]) //nolint:testifylint // Contains would print all code
			blocks++
		}
	}
	require.Positive(t, blocks)
}

// TestGuaranteesNameTestsThatExist keeps docs/guarantees.md true.
func TestGuaranteesNameTestsThatExist(t *testing.T) {
	tests := filesOf(t, "_test.go")
	names := regexp.MustCompile(`\b(Test|Fuzz)[A-Z]\w+`).FindAllString(read(t, "docs/guarantees.md"), -1)
	require.Greater(t, len(names), 30)
	for _, name := range names {
		require.True(t, strings.Contains(tests, "func "+name+"("), "docs/guarantees.md names the test %s, which does not exist", name) //nolint:testifylint // Contains would print all tests
	}
}

// TestLinksInDocumentsLeadSomewhere follows the relative links.
func TestLinksInDocumentsLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([\w./-]+)\)`)
	for _, document := range documents(t) {
		for _, match := range link.FindAllStringSubmatch(read(t, document), -1) {
			_, err := os.Stat(filepath.Join(filepath.Dir(document), match[1]))
			require.NoError(t, err, "a link in %s", document)
		}
	}
}

// TestNoExportedSignatureHasAnInternalType keeps what users cannot name out of what they see.
func TestNoExportedSignatureHasAnInternalType(t *testing.T) {
	for _, dir := range []string{"controller", "finalizer", "informer", "kerr", "repository", "status"} {
		files, err := filepath.Glob(dir + "/*.go")
		require.NoError(t, err)
		for _, path := range files {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			require.NoError(t, err)
			internal := map[string]bool{}
			for _, spec := range file.Imports {
				if name, found := strings.CutPrefix(strings.Trim(spec.Path.Value, `"`), "github.com/kuberator/kuberator/internal/"); found {
					internal[name] = true
				}
			}
			ast.FileExports(file) // leaves what users see, and more of functions
			file.Decls = slices.DeleteFunc(file.Decls, func(decl ast.Decl) bool {
				function, ok := decl.(*ast.FuncDecl)
				if ok {
					function.Body = nil
				}
				return ok && function.Recv != nil && !ast.IsExported(receiver(function))
			})
			ast.Inspect(file, func(n ast.Node) bool {
				if selected, ok := n.(*ast.SelectorExpr); ok {
					if pkg, ok := selected.X.(*ast.Ident); ok {
						require.False(t, internal[pkg.Name], "%s shows %s.%s", path, pkg.Name, selected.Sel.Name)
					}
				}
				return true
			})
		}
	}
}

// receiver returns the name of a method's type.
func receiver(method *ast.FuncDecl) (name string) {
	ast.Inspect(method.Recv.List[0].Type, func(n ast.Node) bool {
		if ident, ok := n.(*ast.Ident); ok && name == "" {
			name = ident.Name
		}
		return true
	})
	return name
}
