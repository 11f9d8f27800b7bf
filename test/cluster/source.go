package cluster

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
)

// modulePath is that of the module this package belongs to.
const modulePath = "github.com/kuberator/kuberator"

// source is what the control plane is built from: a folder, or a version that the
// go command fetches.
type source struct {
	folder  string
	version string
}

// findSource prefers the source beside which the caller works, so that a change in
// it takes effect at once.
func findSource(ctx context.Context) (source, error) {
	if folder, found := sourceAbove(); found {
		return source{folder: folder}, nil
	}
	if version := linkedVersion(); version != "" {
		return source{version: version}, nil
	}
	return requiredSource(ctx)
}

// sourceAbove looks for this module in the working directory and above.
func sourceAbove() (string, bool) {
	folder, err := os.Getwd()
	if err != nil {
		return "", false
	}
	for {
		if content, err := os.ReadFile(filepath.Join(folder, "go.mod")); err == nil && declares(string(content), modulePath) {
			return sourceIn(folder)
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			return "", false
		}
		folder = parent
	}
}

// declares reports whether the content of a go.mod file is that of the module.
func declares(goMod, module string) bool {
	for line := range strings.Lines(goMod) {
		if fields := strings.Fields(line); len(fields) >= 2 && fields[0] == "module" {
			return strings.Trim(fields[1], `"`) == module
		}
	}
	return false
}

// sourceIn returns the folder of the control plane inside that of this module. A
// module that was downloaded has none: a nested module is one of its own.
func sourceIn(module string) (string, bool) {
	folder := filepath.Join(module, "test", "controlplane")
	_, err := os.Stat(filepath.Join(folder, "go.mod"))
	return folder, err == nil
}

// linkedVersion returns the version of this module in the running program, or ""
// if that is not known, as in a test: a test binary does not say what is in it.
func linkedVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, module := range info.Deps {
		if module.Path == modulePath && module.Replace == nil {
			return module.Version
		}
	}
	return ""
}

// requiredSource asks the go command which version of this module the module of
// the working directory requires.
func requiredSource(ctx context.Context) (source, error) {
	const format = "{{.Version}}\t{{.Dir}}"
	output, err := exec.CommandContext(ctx, "go", "list", "-mod=readonly", "-m", "-f", format, modulePath).Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			err = fmt.Errorf("%w: %s", err, strings.TrimSpace(string(exit.Stderr)))
		}
		return source{}, fmt.Errorf("finding the version of %s (set %s to a built control plane to do without): %w",
			modulePath, binaryVariable, err)
	}
	version, folder, _ := strings.Cut(strings.TrimSpace(string(output)), "\t")
	if folder, found := sourceIn(folder); found {
		return source{folder: folder}, nil
	}
	if version == "" {
		return source{}, fmt.Errorf("%s is replaced by %s, which has no test/controlplane; set %s to a built control plane",
			modulePath, folder, binaryVariable)
	}
	return source{version: version}, nil
}

// query returns what to ask the go command for. The nested module has a pseudo
// version of its own, so for one of this module the commit in it is asked for.
func (s source) query() string {
	pseudo := regexp.MustCompile(`[-.]\d{14}-([0-9a-f]{12})(\+incompatible)?$`)
	if match := pseudo.FindStringSubmatch(s.version); match != nil {
		return match[1]
	}
	return s.version
}

// key names the build: it changes with the source, the flags and the compiler.
func (s source) key() (string, error) {
	hash := sha256.New()
	fmt.Fprintln(hash, runtime.Version(), runtime.GOOS, runtime.GOARCH, buildFlags(), s.version)
	if s.folder != "" {
		files, err := filepath.Glob(filepath.Join(s.folder, "*.go"))
		if err != nil {
			return "", err
		}
		files = append(files, filepath.Join(s.folder, "go.mod"), filepath.Join(s.folder, "go.sum"))
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				return "", err
			}
			fmt.Fprintf(hash, "%s %d\n%s", filepath.Base(file), len(content), content)
		}
	}
	return fmt.Sprintf("%x", hash.Sum(nil)[:8]), nil
}
