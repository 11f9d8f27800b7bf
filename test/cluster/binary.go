package cluster

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

const (
	// binaryVariable names a control plane program that is built already.
	binaryVariable = "KUBERATOR_CONTROLPLANE"
	// assetsVariable names a folder of Kubernetes programs, as setup-envtest
	// leaves it.
	assetsVariable = "KUBEBUILDER_ASSETS"
)

// programs holds how each program is called, before its flags.
type programs struct {
	etcd, apiServer []string
	manager         []string // nil if there is none
}

// Binary returns the path of the program that [New] starts as the API server, and
// builds it first if need be. Call it, or run the command in test/cluster/build,
// before tests with a time limit. It is the first of these that there is:
//
//  1. kube-apiserver in the folder that KUBEBUILDER_ASSETS names, if etcd is there
//     too. A kube-controller-manager there is used as well; setup-envtest brings
//     none, and then there is none.
//  2. The program that KUBERATOR_CONTROLPLANE names: test/controlplane, built.
//  3. test/controlplane, built with the go command and kept in the user's cache
//     directory. The first build takes some minutes, and again after an update of
//     this module. Several processes that need it wait for one build.
//
// Progress of a build goes to log, or to os.Stderr if log is nil. A failed build
// is an error with the end of what the compiler said.
func Binary(ctx context.Context, log io.Writer) (string, error) {
	options := (&Options{Log: log}).withDefaults()
	programs, err := locate(ctx, options.Log)
	if err != nil {
		return "", err
	}
	return programs.apiServer[0], nil
}

// locate finds the programs, and builds them if need be.
func locate(ctx context.Context, log io.Writer) (*programs, error) {
	if folder := os.Getenv(assetsVariable); folder != "" {
		if found := inFolder(folder, log); found != nil {
			return found, nil
		}
		report(log, "%s=%s has no etcd and kube-apiserver, looking elsewhere", assetsVariable, folder)
	}
	path := os.Getenv(binaryVariable)
	if path != "" {
		found, err := exec.LookPath(path)
		if err != nil {
			return nil, fmt.Errorf("control plane named by %s: %w", binaryVariable, err)
		}
		path = found
	} else {
		built, err := cachedBuild(ctx, log)
		if err != nil {
			return nil, err
		}
		path = built
	}
	return &programs{
		etcd:      []string{path, "etcd"},
		apiServer: []string{path, "kube-apiserver"},
		manager:   []string{path, "kube-controller-manager"},
	}, nil
}

// inFolder returns the programs of the folder, or nil if it lacks one that there
// is no doing without.
func inFolder(folder string, log io.Writer) *programs {
	find := func(name string) []string {
		path, err := exec.LookPath(filepath.Join(folder, name))
		if err != nil {
			return nil
		}
		return []string{path}
	}
	found := &programs{etcd: find("etcd"), apiServer: find("kube-apiserver"), manager: find("kube-controller-manager")}
	if found.etcd == nil || found.apiServer == nil {
		return nil
	}
	if found.manager == nil {
		report(log, "%s=%s has no kube-controller-manager: namespaces will not go away and dependents will not be collected",
			assetsVariable, folder)
	}
	return found
}

// report writes one line of progress. That a log cannot be written to is no reason
// to stop.
func report(log io.Writer, format string, args ...any) {
	fmt.Fprintf(log, "cluster: "+format+"\n", args...)
}
