package fake_test

import (
	"context"
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kubernetesfake "k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kuberator/kuberator/test/fake"
)

// exampleTest stands for the *testing.T of a test.
type exampleTest struct{ testing.TB }

func (exampleTest) Helper()                  {}
func (exampleTest) Cleanup(func())           {}
func (exampleTest) Context() context.Context { return context.Background() }

// A fake clientset refuses what is based on an old state, as a server does.
func ExampleHarden() {
	t := exampleTest{}
	cs := kubernetesfake.NewClientset(configMap("a"))
	fake.Harden(t, &cs.Fake, scheme.Scheme)

	ctx, maps := context.Background(), cs.CoreV1().ConfigMaps("default")
	old, err := maps.Get(ctx, "a", metav1.GetOptions{})
	fmt.Println(old.UID != "", err)
	newer := old.DeepCopy()
	newer.Data = map[string]string{"colour": "blue"}
	_, err = maps.Update(ctx, newer, metav1.UpdateOptions{})
	fmt.Println(err)
	_, err = maps.Update(ctx, old, metav1.UpdateOptions{})
	fmt.Println(err)
	// Output:
	// true <nil>
	// <nil>
	// Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again
}
