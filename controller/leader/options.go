package leader

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"go.uber.org/zap"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/uuid"

	"github.com/kuberator/kuberator/internal/safelog"
)

// Options change how an [Elector] competes. A nil *Options and zero values mean the defaults. The
// defaults of the three times are those of Kubernetes' own components.
type Options struct {
	// Identity is the name of this process in the lease. It must be another one for each process.
	// The default is the host name, which is that of the Pod, and a random part.
	Identity string
	// LeaseDuration is how long others wait before they take a lease that is not renewed: how long
	// nothing is reconciled after a crash. It must be whole seconds, since the lease is. The
	// default is 15 s.
	LeaseDuration time.Duration
	// RenewDeadline is how long this process leads after a renewal: then it has lost the lease.
	// What lies between it and LeaseDuration is the time that a request may be under way, and the
	// difference in speed that clocks may have. The default is 10 s, or two thirds of
	// LeaseDuration if that is set.
	RenewDeadline time.Duration
	// RetryPeriod is how often the lease is renewed. Standbys look at it, and failed renewals are
	// repeated, four times as often, so that they see within a second that it was released. At
	// least 1 s, since a lease has its times in seconds. The default is 2 s.
	RetryPeriod time.Duration
	// ExitOnLoss makes Run return an error, of class NotLeader, when the lease is lost. The default
	// is to compete again: the caches stay full. Set it if something beside the runners must not
	// go on, or if their code may ignore its ctx.
	ExitOnLoss bool
	// Logger gets a record at info level when this process begins and ends to lead, and at warning
	// level when it loses the lease or cannot read it. If it and Slog are nil, warnings go to
	// standard error as JSON.
	Logger *zap.Logger
	// Slog takes the place of Logger for programs that log with log/slog. Only one of the two may
	// be set.
	Slog *slog.Logger
}

func (o *Options) withDefaults(lease types.NamespacedName) (Options, error) {
	var opts Options
	if o != nil {
		opts = *o
	}
	if opts.RenewDeadline == 0 {
		opts.RenewDeadline = opts.LeaseDuration * 2 / 3
	}
	opts.LeaseDuration = cmp.Or(opts.LeaseDuration, 15*time.Second)
	opts.RenewDeadline = cmp.Or(opts.RenewDeadline, 10*time.Second)
	opts.RetryPeriod = cmp.Or(opts.RetryPeriod, 2*time.Second)
	if opts.Identity == "" {
		host, err := os.Hostname()
		if err != nil {
			return opts, fmt.Errorf("options: Identity is empty, and the host has no name: %w", err)
		}
		opts.Identity = host + "_" + string(uuid.NewUUID())
	}
	if err := opts.validate(); err != nil {
		return opts, err
	}
	return opts, opts.withLogger(lease)
}

// withLogger sets the logger that the elector itself uses.
func (o *Options) withLogger(lease types.NamespacedName) error {
	logger, err := safelog.New(o.Logger, o.Slog)
	if err != nil {
		return err
	}
	o.Logger = logger.With(zap.String("lease", lease.String()), zap.String("identity", o.Identity))
	return nil
}

func (o Options) validate() error {
	switch {
	case o.LeaseDuration < time.Second || o.LeaseDuration%time.Second != 0:
		return fmt.Errorf("options: LeaseDuration is %s, it must be whole seconds", o.LeaseDuration)
	case o.RetryPeriod < time.Second:
		return fmt.Errorf("options: RetryPeriod is %s, it must be a second at least", o.RetryPeriod)
	case o.RenewDeadline >= o.LeaseDuration || o.RenewDeadline < 2*o.RetryPeriod:
		return errors.New("options: RenewDeadline must be shorter than LeaseDuration, and leave time for two renewals")
	}
	return nil
}

// turn is how often client-go's elector acts. It acts up to 1.2 times as late, at random, as a
// standby, which is too late at RetryPeriod to take over within a second.
func (o Options) turn() time.Duration { return o.RetryPeriod / 8 }
