package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kuberator/kuberator/test/sim"
	"github.com/kuberator/kuberator/test/sim/loopback"
)

// server is the API server at work.
type server struct {
	opts   options
	sim    *sim.Server
	served *loopback.Server
	loaded int
}

// start returns a server that listens and has what the options want it to have.
func start(opts options) (*server, error) {
	wrap, err := faults(opts.faults)
	if err != nil {
		return nil, err
	}
	var first []*unstructured.Unstructured
	if opts.crds != "" {
		if first, err = definitions(opts.crds); err != nil {
			return nil, fmt.Errorf("-crds: %w", err)
		}
	}
	state, err := state(opts)
	if err != nil {
		return nil, fmt.Errorf("-state: %w", err)
	}
	if opts.kubeconfig, err = overwritable(opts.kubeconfig); err != nil {
		return nil, fmt.Errorf("-kubeconfig: %w", err)
	}
	simulated, err := sim.New(sim.Options{Kinds: sim.StableCore(), Latency: opts.latency, GarbageCollection: true, NamespaceDeletion: true})
	if err != nil {
		return nil, err
	}
	s := &server{opts: opts, sim: simulated, loaded: len(first) + len(state)}
	if err := simulated.Load(append(first, state...)...); err != nil {
		simulated.Close()
		return nil, err
	}
	if s.served, err = loopback.Serve(simulated, s.loopback(wrap)); err != nil {
		simulated.Close()
		return nil, err
	}
	return s, nil
}

func (s *server) loopback(wrap func(http.RoundTripper) http.RoundTripper) *loopback.Options {
	return &loopback.Options{Port: s.opts.port, Kubeconfig: s.opts.kubeconfig, Wrap: wrap}
}

// definitions are the CustomResourceDefinitions in a file or a folder. What else is there, such as
// an operator's Deployment or a kustomization, is left out.
func definitions(path string) (out []*unstructured.Unstructured, err error) {
	all, err := read(path)
	for _, o := range all {
		if o.GetKind() == "CustomResourceDefinition" {
			out = append(out, o)
		}
	}
	if err == nil && len(out) == 0 {
		err = fmt.Errorf("there is no CustomResourceDefinition in %s", path)
	}
	return out, err
}

// state is what to begin with: nothing, if the file is only to be written.
func state(opts options) ([]*unstructured.Unstructured, error) {
	if opts.state == "" {
		return nil, nil
	}
	info, err := os.Stat(opts.state)
	switch {
	case opts.save && errors.Is(err, fs.ErrNotExist):
		return nil, writable(opts.state)
	case err != nil:
		return nil, err
	case opts.save && info.IsDir():
		return nil, fmt.Errorf("%s is a folder: -save writes a file", opts.state)
	case opts.save:
		if err := writable(opts.state); err != nil {
			return nil, err
		}
	}
	return read(opts.state)
}

// writable says at the start what would keep the state from being saved at the end.
func writable(path string) error {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("it could not be saved: %w", err)
	}
	return errors.Join(file.Close(), os.Remove(file.Name()))
}

// overwritable returns the whole path of a kubeconfig, which is good in any folder. A file that is there must be
// of a server on this machine: one of real clusters is not to be lost.
func overwritable(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	whole, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(whole); errors.Is(err, fs.ErrNotExist) {
		return whole, nil
	}
	there, err := clientcmd.LoadFromFile(whole)
	if err != nil {
		return "", fmt.Errorf("it is there, and is no kubeconfig: %w", err)
	}
	for name, cluster := range there.Clusters {
		if address, err := url.Parse(cluster.Server); err != nil || address.Hostname() != "127.0.0.1" {
			return "", fmt.Errorf("%s has the cluster %q, at %s, which would be lost: choose another file", path, name, cluster.Server)
		}
	}
	return whole, nil
}

const greeting = `This is a simulated Kubernetes API server (package test/sim of Kuberator), and no cluster: it answers as
kube-apiserver 1.36 does and keeps everything in memory, but nothing runs Pods, and of the controllers
there are only the garbage collector and the one that empties namespaces.

It listens on %s. In another terminal:

  export KUBECONFIG=%s
  kubectl get all -A

`

// greet says what this is, and how to use it.
func (s *server) greet(out io.Writer) {
	fmt.Fprintf(out, greeting, s.served.Config().Host, s.served.Kubeconfig())
	if s.loaded > 0 {
		objects := "objects"
		if s.loaded == 1 {
			objects = "object"
		}
		fmt.Fprintf(out, "Loaded %d %s.\n", s.loaded, objects)
	}
	if s.opts.faults != "" {
		fmt.Fprintf(out, "Requests fail on purpose: %s\n", s.opts.faults)
	}
	fmt.Fprintln(out, "Ctrl-C ends it.")
}

// close ends it, and saves the state if that is wanted.
func (s *server) close() error {
	err := s.served.Close()
	objects := s.sim.Objects()
	s.sim.Close()
	if s.opts.save {
		err = errors.Join(err, write(s.opts.state, objects))
	}
	return err
}
