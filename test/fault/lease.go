package fault

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	coordinationv1 "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/rest"
)

// ExpireLease makes a Lease look as if its holder had not renewed it for an hour, so that
// another can take it.
//
// Holders of client-go go by their own clock, from when they saw the Lease change, and not by
// what it says: it therefore also gets the shortest duration that there is, a second, after
// which they take it. The old holder renews it if it can, so keep it from that before, with a
// rule for the writes of its client.
//
// # Errors
//
// A Lease that does not exist, and what else the server says.
func ExpireLease(ctx context.Context, cfg *rest.Config, namespace, name string) error {
	client, err := coordinationv1.NewForConfig(cfg)
	if err != nil {
		return fmt.Errorf("fault: expire the Lease %s/%s: %w", namespace, name, err)
	}
	// With no resourceVersion: it wins over a renewal at the same time.
	patch := fmt.Sprintf(`{"spec":{"renewTime":%q,"leaseDurationSeconds":1}}`, time.Now().Add(-time.Hour).UTC().Format(metav1.RFC3339Micro))
	if _, err := client.Leases(namespace).Patch(ctx, name, types.MergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
		return fmt.Errorf("fault: expire the Lease %s/%s: %w", namespace, name, err)
	}
	return nil
}
