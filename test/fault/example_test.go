package fault_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/kuberator/kuberator/test/fault"
	"github.com/kuberator/kuberator/test/sim"
)

// A write takes effect, and its answer is lost.
func Example() {
	ctx := context.Background()
	srv, err := sim.New(sim.Options{Kinds: sim.Core("configmaps")})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	injector, err := fault.New(fault.On("patch", "configmaps").Named("a").Nth(2).Then(fault.CommitThenEOF()))
	if err != nil {
		log.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(injector.Config(srv.Config()))
	if err != nil {
		log.Fatal(err)
	}
	maps := client.CoreV1().ConfigMaps("default")
	if _, err := maps.Create(ctx, configMap("a"), metav1.CreateOptions{}); err != nil {
		log.Fatal(err)
	}
	for _, value := range []string{"one", "two"} {
		patch := fmt.Appendf(nil, `{"data":{"k":%q}}`, value)
		_, err := maps.Patch(ctx, "a", types.MergePatchType, patch, metav1.PatchOptions{})
		fmt.Println(errors.Is(err, io.ErrUnexpectedEOF))
	}
	got, err := maps.Get(ctx, "a", metav1.GetOptions{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(got.Data["k"], len(injector.Unused()))
	// Output:
	// false
	// true
	// two 0
}

// In a test, one line makes the faults, and sees to it that they happen.
func ExampleFor() {
	_ = func(t *testing.T) { // func TestOperator(t *testing.T) {
		srv, err := sim.New(sim.Options{Kinds: sim.Core("configmaps")})
		if err != nil {
			t.Fatal(err)
		}
		defer srv.Close()
		injector := fault.For(t,
			fault.On("patch", "configmaps").Named("a").Nth(2).Then(fault.CommitThenEOF()),
			fault.On("write", "*").From(5).Times(3).Then(fault.Unavailable(time.Second)),
		)
		client, err := kubernetes.NewForConfig(injector.Config(srv.Config()))
		_, _ = client, err // Run the operator with it.
	}
}

// A process crashes when its write has taken effect, before it hears of it.
func ExampleCallAfter() {
	_ = func(t *testing.T, srv *sim.Server) {
		process := srv.Session("operator")
		injector := fault.For(t, fault.On("create", "configmaps").Nth(1).Then(fault.CommitThenHang(), fault.CallAfter(process.Sever)))
		_ = injector.Config(process.Config())
	}
}

// An informer that is behind.
func ExampleInjector_Watches() {
	_ = func(t *testing.T, injector *fault.Injector, first metav1.Object) {
		watches := injector.Watches("configmaps")
		watches.Hold()
		// Create objects: nobody hears of them.
		watches.ReleaseTo(fault.RV(first)) // Now of this one.
		watches.Release()                  // And of all others.
	}
}
