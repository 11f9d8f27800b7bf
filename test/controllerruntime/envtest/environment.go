package envtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/test/sim"
)

// Environment is an API server with the stable kinds of Kubernetes and those of some CustomResourceDefinitions.
// Its fields are read by Start. Start and Stop are not for several goroutines at once; clients of Config
// are.
type Environment struct {
	// CRDDirectoryPaths are folders with CustomResourceDefinitions, and files. See [sim.CRDFiles] for
	// what is read.
	CRDDirectoryPaths []string

	// CRDs are more CustomResourceDefinitions.
	CRDs []*apiextensionsv1.CustomResourceDefinition

	// ErrorIfCRDPathMissing says that Start returns an error if one of CRDDirectoryPaths does not exist.
	// Without it, such a path is passed over.
	ErrorIfCRDPathMissing bool

	// Rules evaluates the rules in CEL of CustomResourceDefinitions: see [sim.Options]. Nil means that they
	// are ignored. The module test/sim/cel has those of the real server.
	Rules func(openAPIV3Schema map[string]any) (sim.Validator, error)

	// Config is for clients of the server, with all rights. Start sets it.
	Config *rest.Config

	// Scheme and BinaryAssetsDirectory have no effect: they are here so that code for the other envtest
	// compiles. There a scheme is for conversion webhooks; clients have their own. And there are no
	// binaries.
	Scheme                *runtime.Scheme
	BinaryAssetsDirectory string

	server *sim.Server
}

// Start makes the server, and returns Config. It takes milliseconds, and nothing has to be waited for.
// In a bubble of testing/synctest, Start and Stop are called in the bubble.
//
// # Errors
//
// A path that cannot be read, or that has no CustomResourceDefinition; a definition that is not valid; an
// Environment that was started and not stopped.
func (e *Environment) Start() (*rest.Config, error) {
	if e.server != nil {
		return nil, errors.New("envtest: the environment was started before, and not stopped")
	}
	kinds, err := e.kinds()
	if err != nil {
		return nil, fmt.Errorf("envtest: %w", err)
	}
	e.server, err = sim.New(sim.Options{Kinds: kinds, Rules: e.Rules, GarbageCollection: true, NamespaceDeletion: true})
	if err != nil {
		return nil, fmt.Errorf("envtest: %w", err)
	}
	e.Config = e.server.Config()
	return e.Config, nil
}

// Stop ends the server: watches end, and later requests get an error. It does nothing if there is none.
// The error is always nil.
func (e *Environment) Stop() error {
	if e.server != nil {
		e.server.Close()
		e.server = nil
	}
	return nil
}

// Server returns the simulated API server, for what a real one cannot do: watches that are held back,
// connections that are cut. It is nil before Start and after Stop. Package [loopback] serves it to other
// processes.
//
// [loopback]: https://pkg.go.dev/github.com/kuberator/kuberator/test/sim/loopback
func (e *Environment) Server() *sim.Server { return e.server }

func (e *Environment) kinds() ([]sim.Kind, error) {
	kinds := sim.StableCore()
	for _, path := range e.CRDDirectoryPaths {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) && !e.ErrorIfCRDPathMissing {
			continue
		}
		kinds = append(kinds, sim.CRDFiles(path)...)
	}
	for _, crd := range e.CRDs {
		typed := crd.DeepCopy()
		typed.APIVersion, typed.Kind = apiextensionsv1.SchemeGroupVersion.String(), "CustomResourceDefinition"
		document, err := json.Marshal(typed)
		if err != nil {
			return nil, fmt.Errorf("CustomResourceDefinition %s: %w", crd.Name, err)
		}
		kinds = append(kinds, sim.CRD(document)...)
	}
	return kinds, nil
}
