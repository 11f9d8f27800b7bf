package kerr_test

import (
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kuberator/kuberator/kerr"
)

// Any error has a class, also one of client-go, and below other errors.
func ExampleClassOf() {
	conflict := apierrors.NewConflict(resource, "name", errors.New("it changed"))
	fmt.Println(kerr.ClassOf(fmt.Errorf("update the bucket: %w", conflict)))
	fmt.Println(kerr.ClassOf(errors.New("connection refused")))
	// Output:
	// Conflict
	// Transient
}

func ExampleAfter() {
	err := kerr.After(time.Minute, errors.New("the quota is used up"))
	wait, named := kerr.RetryAfter(err)
	fmt.Println(err, wait, named)
	// Output: the quota is used up 1m0s true
}

func ExampleTerminal() {
	err := kerr.Terminal(errors.New("the licence has run out"))
	fmt.Println(err, kerr.ClassOf(err), kerr.WaitsForChange(err))
	both := errors.Join(err, errors.New("connection refused"))
	fmt.Println(kerr.WaitsForChange(both)) // one of them is worth a retry
	// Output:
	// the licence has run out Terminal true
	// false
}

// Text from outside, for a log or a status.
func ExampleText() {
	fmt.Println(kerr.Text("first line\nsecond line \x1b[31mred", 20))
	// Output: first line\nsecon…
}
