package event

import (
	"context"
	"hash/maphash"
	"time"

	"go.uber.org/zap"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	typedeventsv1 "k8s.io/client-go/kubernetes/typed/events/v1"

	"github.com/kuberator/kuberator/internal/pace"
	"github.com/kuberator/kuberator/kerr"
)

const (
	// sendTimeout is for one request: events are small, and others wait.
	sendTimeout = 10 * time.Second
	// firstWait is how long to wait after a failure. It doubles with each further one.
	firstWait = time.Second
	// maxTries is how often an event is sent: for half a minute, since others wait behind it, and what the
	// API server refuses for longer is out of date.
	maxTries = 6
)

// sender sends events one after the other, so that they arrive in their order.
type sender struct {
	client typedeventsv1.EventsV1Interface
	logger *zap.Logger
	seed   maphash.Seed
	said   pace.Repeats
}

// run sends what is in the queue, until its end or that of ctx.
func (s *sender) run(ctx context.Context, queue <-chan toSend) {
	for one := range queue {
		if err := s.deliver(ctx, one); err != nil {
			s.complain("event not sent", one.event.Reason, err)
		}
	}
}

// deliver sends an event until it has arrived, or there is no point in sending it again.
func (s *sender) deliver(ctx context.Context, one toSend) (err error) {
	wait := firstWait
	for range maxTries {
		if err = s.send(ctx, one); err == nil || !passes(err) || ctx.Err() != nil {
			return err
		}
		select {
		case <-time.After(kerr.NextTry(err, wait, firstWait, time.Minute)):
		case <-ctx.Done():
			return err
		}
		wait *= 2
	}
	return err
}

// passes reports whether an error can be over a moment later.
func passes(err error) bool {
	switch kerr.ClassOf(err) {
	case kerr.ClassTransient, kerr.ClassThrottled, kerr.ClassAmbiguous, kerr.ClassTimeout:
		return true
	default:
		return false
	}
}

// send makes one request. A count whose event is gone, which is after an hour, becomes an event with that
// count. An event that exists was sent before, and the answer was lost.
func (s *sender) send(ctx context.Context, one toSend) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	in := s.client.Events(one.event.Namespace)
	if one.patch != nil {
		_, err := in.Patch(ctx, one.event.Name, types.StrategicMergePatchType, one.patch, metav1.PatchOptions{})
		if !apierrors.IsNotFound(err) {
			return err
		}
	}
	_, err := in.Create(ctx, unread(one.event), metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// unread is an event as it is created, which has no resourceVersion.
func unread(event *eventsv1.Event) *eventsv1.Event {
	event = event.DeepCopy()
	event.ResourceVersion = ""
	return event
}

// complain logs what could not be done with an event, the same once a minute. The reason is a word of the
// operator's code.
func (s *sender) complain(message, reason string, err error) {
	text := kerr.Text(err.Error(), kerr.MaxLog)
	repeated, unsaid := s.said.Again(s.seed, message+" "+reason, kerr.ClassOf(err).String(), time.Now())
	if repeated {
		return
	}
	s.logger.Warn(message, zap.String("reason", kerr.Text(reason, kerr.MaxLog)), zap.Int("sameBefore", unsaid),
		zap.String("class", kerr.ClassOf(err).String()), zap.String("error", text))
}
