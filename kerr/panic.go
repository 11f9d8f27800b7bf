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

// PanicError is a panic, or a call of runtime.Goexit, in user code.
type PanicError struct {
	// Value is what was passed to panic, as bounded and escaped text.
	Value string
	// Stack is the stack of the panic, at most 8 KiB.
	Stack string
}

// Recovered turns the value of recover into a [*PanicError] with the stack of the
// caller. Call it in the deferred function itself. If the value is an error, it
// stays in the chain. A nil value stands for runtime.Goexit, which recover cannot
// see.
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

// Error names the value, not the stack.
func (p *PanicError) Error() string { return "panic: " + p.Value }

// panicked keeps an error that was panicked with in the chain.
type panicked struct {
	*PanicError
	cause error
}

func (p *panicked) Unwrap() []error { return []error{p.PanicError, p.cause} }

// ShutdownTimeout is returned by a controller's Run when reconciles were still
// running at the end of the grace period and had to be cancelled.
type ShutdownTimeout struct {
	// Keys of the objects whose reconcile was cancelled.
	Keys []types.NamespacedName
	// Abandoned of them did not return after their context was cancelled either;
	// their goroutines may still run.
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
