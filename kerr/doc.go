// Package kerr has the errors of this library: which step failed, on which object, why, and
// whether it is retried.
//
// Every error of a step on an object (a request, Apply, Cleanup, a watch) is or wraps an
// [*Error]: the step ([Op]), the kind, the key and the UID of the object, and the cause. The
// cause is never turned into text, so [errors.Is] and [errors.As] reach it. Errors about
// arguments and life cycle (New, Run, Ready) are plain.
//
// # Classes
//
// [ClassOf] sorts any error, the library's or not, into a [Class]. A controller
// treats the classes as follows.
//
//	class                what it means                                  what happens next
//	Transient            nothing was changed, try again                 backoff
//	Conflict             the object is newer than what was decided on   backoff; from the fifth in a row a warning
//	AlreadyExists        another object has the name                    backoff
//	FieldManagerConflict another manager owns a field                   backoff
//	Throttled            the server asks to slow down                   backoff, or Retry-After if that is longer
//	NotFound             the object, or one it needs, does not exist    backoff; quiet for the object itself
//	Forbidden            401 or 403: a role may be granted later        backoff
//	Invalid              the server refused the content (4xx)           backoff
//	TooLarge             the object exceeds the server's size limits    no retry before the next event
//	Ambiguous            a write whose outcome is unknown               backoff, then a live read
//	Timeout              the reconcile ran out of its time              backoff
//	Panic                user code panicked                             backoff
//	NotLeader            this process must not write now                backoff
//	NoStatusSubresource  the kind has no status subresource             backoff
//	Undecodable          an object does not fit the Go type             backoff
//	Terminal             marked with [Terminal]                         no retry before the next event
//
// An error marked with [Invalid] has class Invalid too, but no retry before the next event: your code
// says that the input is wrong, while an answer of the server may be about a quota or a webhook.
// [After] sets the time of the retry, whatever the class.
//
// An Apply that goes on after a failure can return all errors, joined by [errors.Join]. There is a
// retry if one of them is to be retried.
package kerr
