package kerr

import (
	"fmt"
	"reflect"
	"runtime/debug"

	"k8s.io/apimachinery/pkg/types"
)

// maxStack bounds the stack that a [PanicError] keeps: enough for the frames of
// user code, small enough for a log record.
const maxStack = 8 << 10

// PanicError is the error of a panic, or of a call of runtime.Goexit, in user code. Its class is
// Panic.
type PanicError struct {
	// Value is what was passed to panic, as bounded and escaped text.
	Value string
	// Stack is the stack of the panic, at most 8 KiB.
	Stack string
}

// Recovered returns an error with a [*PanicError] in its chain, made of the value of recover and
// the stack of the caller. Call it in the deferred function itself. If the value is an error, it
// is in the chain too. A nil value means runtime.Goexit, for which recover returns nil.
func Recovered(value any) error {
	if value == nil {
		value = "runtime.Goexit was called"
	}
	text := guarded(func() string { return fmt.Sprint(value) }, "a "+reflect.TypeOf(value).String()+" whose text panics")
	p := &PanicError{Value: Text(text, MaxLog), Stack: cut(string(debug.Stack()), maxStack)}
	if err, ok := value.(error); ok {
		return &panicked{PanicError: p, cause: Contain(err)}
	}
	return p
}

// Error is the value, without the stack.
func (p *PanicError) Error() string { return "panic: " + p.Value }

// panicked keeps an error that was panicked with in the chain.
type panicked struct {
	*PanicError
	cause error
}

func (p *panicked) Unwrap() []error { return []error{p.PanicError, p.cause} }

// ShutdownTimeout is the error of a controller's Run if reconciles were still running at the end
// of the grace period and were cancelled. Its class is Timeout.
type ShutdownTimeout struct {
	// Keys are those of the objects whose reconcile was cancelled.
	Keys []types.NamespacedName
	// Abandoned are those of Keys whose code did not return after its context was cancelled
	// either. Their goroutines may still run.
	Abandoned []types.NamespacedName
}

// Error counts the keys and names the first few.
func (s *ShutdownTimeout) Error() string {
	text := fmt.Sprintf("shutdown: %d reconcile(s) did not finish within the grace period: %s", len(s.Keys), someKeys(s.Keys))
	if len(s.Abandoned) > 0 {
		text += fmt.Sprintf("; %d ignored the cancelled context: %s", len(s.Abandoned), someKeys(s.Abandoned))
	}
	return text
}

func someKeys(keys []types.NamespacedName) string {
	const most = 10
	if len(keys) <= most {
		return fmt.Sprint(keys)
	}
	return fmt.Sprintf("%v and %d more", keys[:most], len(keys)-most)
}
