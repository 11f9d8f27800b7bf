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
	// Series is how many series of events are remembered, at most, until 6 minutes after their last
	// event. If there are more, those are forgotten first that nothing was recorded of for longest, so
	// that another event of theirs is another Event; and if all wait to be sent, what is recorded
	// is dropped, which is logged. The default is 4,096, as in client-go's older recorder: at most 10 MB.
	Series int
}

func (o *Options) withDefaults() (Options, error) {
	var opts Options
	if o != nil {
		opts = *o
	}
	opts.Series = cmp.Or(opts.Series, 4096)
	if opts.Series < 0 {
		return opts, fmt.Errorf("options: Series is %d, it must not be negative", opts.Series)
	}
	var err error
	opts.Logger, err = safelog.New(opts.Logger, nil)
	return opts, err
}
