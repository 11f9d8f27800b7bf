package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"
)

const (
	// kubernetesVersion is what the API server says it is. Only the release
	// scripts of Kubernetes set it; without it clients read v0.0.0-master.
	kubernetesVersion = "v1.36.3"
	// aliveInterval is how often a build says that it goes on.
	aliveInterval = 10 * time.Second
	// unusedFor is how long an old build is kept after its last use. A build is
	// 100 MB, and switching between branches should not mean building again.
	unusedFor = 30 * 24 * time.Hour
)

// buildFlags make a program that is built soon: without debug information, and without
// inlining, the compiler has a third less to do. What the program then takes longer is not
// what tests wait for.
func buildFlags() []string {
	const version = "k8s.io/component-base/version"
	return []string{
		"-trimpath", "-mod=readonly", "-v", "-gcflags=all=-dwarf=false -l",
		"-ldflags=-s -w -X " + version + ".gitVersion=" + kubernetesVersion,
	}
}

// cachedBuild returns the path of the control plane, which it builds if it is not
// in the cache.
func cachedBuild(ctx context.Context, log io.Writer) (string, error) {
	from, err := findSource(ctx)
	if err != nil {
		return "", fmt.Errorf("building the control plane: %w", err)
	}
	target, err := cachePath(from)
	if err != nil {
		return "", fmt.Errorf("building the control plane: %w", err)
	}
	if inCache(target) {
		return target, nil
	}
	lock, err := awaitLock(ctx, target+".lock", log)
	if err != nil {
		return "", fmt.Errorf("waiting for another build of the control plane: %w", err)
	}
	defer lock.Close()
	if inCache(target) {
		return target, nil
	}
	if err := build(ctx, from, target, log); err != nil {
		return "", fmt.Errorf("building the control plane: %w", err)
	}
	removeUnused(filepath.Dir(target))
	return target, nil
}

// cachePath returns where the build of the source belongs.
func cachePath(from source) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding the cache directory (set %s to a built control plane to do without): %w", binaryVariable, err)
	}
	key, err := from.key()
	if err != nil {
		return "", err
	}
	folder := filepath.Join(cache, "kuberator")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	return filepath.Join(folder, "controlplane-"+key+extension()), nil
}

// inCache reports whether the build is there, and notes that it is used.
func inCache(target string) bool {
	now := time.Now()
	return os.Chtimes(target, now, now) == nil
}

// awaitLock takes the lock, and says so if it has to wait for another process.
func awaitLock(ctx context.Context, path string, log io.Writer) (*os.File, error) {
	begun := time.Now()
	next := time.Duration(0)
	for {
		lock, err := lockFile(path)
		if !errors.Is(err, errLocked) {
			return lock, err
		}
		if waited := time.Since(begun); waited >= next {
			report(log, "another process is building the control plane, waited %s", waited.Round(time.Second))
			next += aliveInterval
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// build makes the program beside the target and gives it its name when it is whole, so that no
// process ever starts half of one. The caller holds the lock.
func build(ctx context.Context, from source, target string, log io.Writer) error {
	folder := target + ".building"
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	begun := time.Now()
	output := &compilerOutput{}
	command := buildCommand(ctx, from, folder)
	command.Stdout, command.Stderr = output, output
	report(log, "building the control plane (etcd, kube-apiserver, a controller manager); the first time this takes some minutes")
	if err := runAlive(command, func() {
		report(log, "still building the control plane: %s, %s", time.Since(begun).Round(time.Second), output.progress())
	}); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("%s: %w; the end of its output:\n%s", command, err, output.tail())
	}
	if err := os.Rename(filepath.Join(folder, "controlplane"+extension()), target); err != nil {
		return err
	}
	report(log, "built the control plane in %s: %s", time.Since(begun).Round(time.Second), target)
	return nil
}

// buildCommand returns the go command that leaves the program in the folder.
func buildCommand(ctx context.Context, from source, folder string) *exec.Cmd {
	var command *exec.Cmd
	if from.folder != "" {
		arguments := append([]string{"build", "-o", filepath.Join(folder, "controlplane"+extension())}, buildFlags()...)
		command = exec.CommandContext(ctx, "go", append(arguments, ".")...)
		command.Dir = from.folder
	} else {
		arguments := append([]string{"install"}, buildFlags()...)
		command = exec.CommandContext(ctx, "go", append(arguments, modulePath+"/test/controlplane@"+from.query())...)
	}
	// A workspace of the caller's must not change what is built, nor must settings
	// for building something else. The program is for this machine and needs no C.
	command.Env = append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0", "GOBIN="+folder,
		"GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH)
	// An interrupted go command takes its compilers with it; a killed one does not.
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = stopGrace
	return command
}

// runAlive runs the command and calls alive now and then until it ends.
func runAlive(command *exec.Cmd, alive func()) error {
	if err := command.Start(); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- command.Wait() }()
	ticker := time.NewTicker(aliveInterval)
	defer ticker.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-ticker.C:
			alive()
		}
	}
}

// removeUnused removes builds that have not been used for a while, and what
// belongs to them. What cannot be removed stays.
func removeUnused(folder string) {
	old, err := filepath.Glob(filepath.Join(folder, "controlplane-*"))
	if err != nil {
		return
	}
	for _, path := range old {
		if info, err := os.Stat(path); err == nil && time.Since(info.ModTime()) > unusedFor {
			_ = os.RemoveAll(path)
		}
	}
}

func extension() string {
	if runtime.GOOS == "windows" {
		return ".exe"
	}
	return ""
}
