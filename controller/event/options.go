package event

import (
	"cmp"
	"fmt"

	"go.uber.org/zap"

	"github.com/kuberator/kuberator/internal/safelog"
)

// Options change how a [Broadcaster] works. nil and zero values mean the defaults.
type Options struct {
	// Logger gets what could not be recorded or sent, the same at most once a minute. Notes are not logged.
	// The default writes to standard error as JSON, as that of controller.Options does.
	Logger *zap.Logger
	// Queue is how many events wait to be sent, at most; more are dropped, which is logged. The
	// default is 1,000, as in client-go: some minutes of an operator that works, and under 2 MB.
	Queue int
}

func (o *Options) withDefaults() (Options, error) {
	var opts Options
	if o != nil {
		opts = *o
	}
	opts.Queue = cmp.Or(opts.Queue, 1000)
	if opts.Queue < 0 {
		return opts, fmt.Errorf("options: Queue is %d, it must not be negative", opts.Queue)
	}
	if opts.Logger == nil {
		logger, err := safelog.Standard()
		if err != nil {
			return opts, err
		}
		opts.Logger = logger
	}
	opts.Logger = safelog.Contained(opts.Logger)
	return opts, nil
}
