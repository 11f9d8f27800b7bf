package repository

import (
	"encoding/json"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kuberator/kuberator/internal/rawjson"
)

// headOf finds out which object this is, however deep the rest of it is, managedFields included,
// and whatever is wrong with it. Other fields of the metadata are not set.
func headOf(object []byte) (head metav1.ObjectMeta, err error) {
	known := map[string]any{
		"name": &head.Name, "namespace": &head.Namespace, "uid": &head.UID, "resourceVersion": &head.ResourceVersion,
		"deletionTimestamp": &head.DeletionTimestamp, "finalizers": &head.Finalizers,
	}
	err = rawjson.Fields(object, func(name, value []byte) error {
		if string(name) != "metadata" {
			return nil
		}
		return rawjson.Fields(value, func(name, value []byte) error {
			if field, ok := known[string(name)]; ok {
				return json.Unmarshal(value, field)
			}
			return nil
		})
	})
	return head, err
}
