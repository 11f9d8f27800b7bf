package controllerruntime

import (
	"errors"
	"net/http"
	"sync"

	"github.com/go-logr/logr"
	"github.com/go-logr/zapr"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/log"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/kuberator/kuberator/test/explore"
)

// New returns what [explore.Case].New wants: a function that makes a manager with [Options], lets setup
// add controllers to it, and runs it. setup is called for each process of each run, some hundred times.
// It must make new reconcilers each time, as main does: one that is shared would survive a crash.
func New(setup func(mgr ctrl.Manager) error) func(env *explore.Env) (explore.Process, error) {
	return func(env *explore.Env) (explore.Process, error) { return NewProcess(env, Options(env), setup) }
}

// NewProcess returns one process: a manager with the given options, to which setup has added controllers.
// It is for operators that need more than [New] gives: other options, which are best those of [Options]
// with changes, or the env, for external systems.
//
// # Errors
//
// Those of ctrl.NewManager and of setup, and a setup that is nil.
func NewProcess(env *explore.Env, options ctrl.Options, setup func(mgr ctrl.Manager) error) (explore.Process, error) {
	if setup == nil {
		return nil, errors.New("controllerruntime: setup is nil: it adds the controllers to the manager")
	}
	mgr, err := ctrl.NewManager(env.Config(), options)
	if err != nil {
		return nil, err
	}
	if err := setup(mgr); err != nil {
		return nil, err
	}
	return explore.RunFunc(mgr.Start), nil
}

// discard gives controller-runtime a logger, if it has none. Without one, it keeps what it is to log, and
// complains after 30 seconds, which in virtual time are over at once. Plans are tried side by side.
var discard = sync.OnceFunc(func() { log.SetLogger(logr.New(log.NullLogSink{})) })

// Options returns the options of a manager in an exploration: the scheme of the Case, a logger that writes
// into the trace of the run, no listeners, and names of controllers that may be used again, since each
// process has them. Kinds are looked up with [explore.Env.Mapper] in place of discovery, which would let
// virtual time stand still.
//
// What is logged by log.Log, or ctrl.Log, is in no trace. It is discarded, unless the test has called
// log.SetLogger before; a later call has no effect. What is logged by log.FromContext is in the trace.
func Options(env *explore.Env) ctrl.Options {
	discard()
	return ctrl.Options{
		Scheme: env.Scheme(),
		MapperProvider: func(*rest.Config, *http.Client) (meta.RESTMapper, error) {
			return mapper{env.Mapper(), env.Logger()}, nil
		},
		Logger:     zapr.NewLogger(env.Logger()),
		Metrics:    metricsserver.Options{BindAddress: "0"},
		Controller: config.Controller{SkipNameValidation: new(true)},
	}
}
