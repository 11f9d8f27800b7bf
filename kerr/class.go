package kerr

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"syscall"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Class says what an error means for a retry. The package comment has the table. The zero value
// is ClassTransient.
type Class uint8

// The classes. Transient is the zero value: an error that nothing else is known about is worth a
// retry.
const (
	ClassTransient            Class = iota // nothing was changed: try again
	ClassConflict                          // the object is newer than the state that was decided on
	ClassThrottled                         // the API server asks to slow down
	ClassNotFound                          // the object, or one that it needs, does not exist or has another UID
	ClassForbidden                         // 401 or 403: a role may be granted later
	ClassInvalid                           // the server refused the content (4xx), or the user's input is wrong
	ClassTooLarge                          // the object exceeds the server's size limits
	ClassAmbiguous                         // a write whose outcome is unknown
	ClassTerminal                          // marked with Terminal
	ClassPanic                             // code of others panicked, or called runtime.Goexit
	ClassTimeout                           // the time of the attempt, or of the shutdown, is over
	ClassNotLeader                         // this process must not write now
	ClassNoStatusSubresource               // the kind has no status subresource
	ClassUndecodable                       // an object does not fit the Go type
	ClassAlreadyExists                     // another object has the name
	ClassFieldManagerConflict              // server-side apply: another manager owns a field
)

// String returns the name of the class, for logs and metric labels.
func (c Class) String() string {
	names := [...]string{
		"Transient", "Conflict", "Throttled", "NotFound", "Forbidden", "Invalid", "TooLarge", "Ambiguous",
		"Terminal", "Panic", "Timeout", "NotLeader", "NoStatusSubresource", "Undecodable", "AlreadyExists", "FieldManagerConflict",
	}
	if int(c) < len(names) {
		return names[c]
	}
	return "Class(" + strconv.Itoa(int(c)) + ")"
}

// ClassOf returns the class of any error, by walking its chain. A mark ([Mark], [Terminal],
// [Invalid]) takes precedence over the cause. ClassOf(nil) is ClassTransient and means nothing.
//
// A failed read is never Ambiguous: it changed nothing, so it is Transient.
//
// Joined errors ([errors.Join], an Aggregate of apimachinery) have the class of the first one
// that is retried and is neither a Conflict nor NotFound; else of the first one that is retried;
// else of the first one. A mark on the joined error decides for all of them.
func ClassOf(err error) Class {
	most, class := -1, ClassTransient
	for _, failure := range failures(err) {
		c := classOfOne(failure)
		if matters := weight(failure, c); matters > most {
			most, class = matters, c
		}
	}
	return class
}

// weight returns how much a failure matters among others.
func weight(failure error, c Class) int {
	switch {
	case waitsForChange(failure, c):
		return 0
	case c == ClassConflict || c == ClassNotFound:
		return 1
	default:
		return 2
	}
}

func classOfOne(err error) Class {
	// What an error turns out to be may have methods that panic, such as Timeout.
	c := guarded(func() Class { return classOf(err) }, ClassTransient)
	if e, ok := Request(err); ok && c == ClassAmbiguous && e.Op.reads() {
		return ClassTransient
	}
	return c
}

// Request returns the innermost [*Error] of the chain: the request that failed, and not the step
// that made the request. The bool reports whether there is one.
func Request(err error) (*Error, bool) {
	e, ok := errors.AsType[*Error](err)
	if !ok || e == nil {
		return nil, false
	}
	if inner, ok := Request(e.Err); ok {
		return inner, true
	}
	return e, true
}

func classOf(err error) Class {
	if m, ok := errors.AsType[*marked](err); ok {
		return m.class
	}
	if _, ok := errors.AsType[*PanicError](err); ok {
		return ClassPanic
	}
	if status := apierrors.APIStatus(nil); errors.As(err, &status) {
		return classOfStatus(status.Status())
	}
	if _, ok := errors.AsType[*ShutdownTimeout](err); ok {
		return ClassTimeout
	}
	switch {
	case errors.Is(err, ErrUnnamed):
		return ClassTerminal
	case errors.Is(err, context.DeadlineExceeded):
		return ClassTimeout
	case errors.Is(err, syscall.ECONNREFUSED):
		return ClassTransient // nobody listened, so nothing was delivered
	case lostConnection(err):
		return ClassAmbiguous
	}
	return ClassTransient
}

// classOfStatus reads an answer of the API server. The rows are measured on
// kube-apiserver 1.36; test/e2e has each of them as a test.
func classOfStatus(s metav1.Status) Class {
	switch s.Code {
	case http.StatusConflict:
		switch {
		case s.Reason == metav1.StatusReasonAlreadyExists:
			return ClassAlreadyExists
		case hasCause(s, metav1.CauseTypeFieldManagerConflict):
			return ClassFieldManagerConflict
		}
		return ClassConflict
	case http.StatusTooManyRequests:
		return ClassThrottled
	case http.StatusNotFound:
		if unexpectedAnswer(s) {
			return ClassTransient // the resource is not served, no object is missing
		}
		return ClassNotFound
	case http.StatusGone:
		return ClassTransient // an expired resourceVersion: list again
	case http.StatusUnauthorized, http.StatusForbidden:
		return ClassForbidden
	case http.StatusRequestEntityTooLarge:
		return ClassTooLarge
	}
	switch {
	case s.Code >= 500 && strings.Contains(s.Message, "request is too large"):
		return ClassTooLarge // etcd's limit arrives as a 500 without a reason
	case s.Code >= 500:
		return ClassAmbiguous
	case s.Code >= 400:
		return ClassInvalid
	}
	return ClassTransient
}

// notServed reports whether err is the answer "404 page not found" of a server that does not have
// the resource.
func notServed(err error) bool {
	status := apierrors.APIStatus(nil)
	return errors.As(err, &status) && status.Status().Code == http.StatusNotFound && unexpectedAnswer(status.Status())
}

// unexpectedAnswer reports whether no API handler wrote the answer: an object that is not found
// is named in it.
func unexpectedAnswer(s metav1.Status) bool {
	return hasCause(s, metav1.CauseTypeUnexpectedServerResponse) || s.Details == nil || s.Details.Name == ""
}

func hasCause(s metav1.Status, kind metav1.CauseType) bool {
	return s.Details != nil && slices.ContainsFunc(s.Details.Causes, func(c metav1.StatusCause) bool { return c.Type == kind })
}

// lostConnection reports whether a request may have been delivered without its answer coming
// back.
func lostConnection(err error) bool {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		return true
	}
	if e, ok := errors.AsType[net.Error](err); ok {
		return e.Timeout()
	}
	return false
}
