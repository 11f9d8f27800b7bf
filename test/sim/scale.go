package sim

import (
	"encoding/json"
	"fmt"
	"net/http"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/kubernetes/scheme"
)

// scalable are the kinds with the subresource scale.
var scalable = sets.New("deployments.apps", "replicasets.apps", "statefulsets.apps", "replicationcontrollers")

// scale serves the subresource by which autoscalers see all workloads alike.
func (s *Server) scale(r *request) (*http.Response, error) {
	rec, code := s.store.get(r.resource.gr(), r.key()), http.StatusOK
	if rec == nil {
		return nil, apierrors.NewNotFound(r.resource.gr(), r.name)
	}
	if r.verb != "get" {
		w, err := r.options()
		if err != nil {
			return nil, err
		}
		rec, code, err = s.modify(w, false, func(current *unstructured.Unstructured) (*unstructured.Unstructured, error) {
			return r.scaled(w, current)
		})
		if err != nil {
			return nil, err
		}
	}
	scale, err := scaleOf(rec.view())
	if err != nil {
		return nil, err
	}
	return r.writeScale(code, scale)
}

// scaled is an object with as many replicas as the request wants.
func (r *request) scaled(w *write, current *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	body := r.body
	if r.verb == "patch" {
		scale, err := scaleOf(current)
		if err != nil {
			return nil, err
		}
		before, err := json.Marshal(scale)
		if err != nil {
			return nil, fmt.Errorf("encode a Scale: %w", err)
		}
		if body, err = r.patchedScale(before); err != nil {
			return nil, err
		}
	}
	scale := &autoscalingv1.Scale{}
	if err := r.readScale(body, scale); err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	next := current.DeepCopy()
	next.SetResourceVersion(scale.ResourceVersion)
	preset(next.Object, map[string]any{"spec": map[string]any{}})
	child(next.Object, "spec")["replicas"] = int64(scale.Spec.Replicas)
	return next, w.resource.managed.updated(w, current, next)
}

// readScale reads the body of a request, or what a patch has made.
func (r *request) readScale(body []byte, into *autoscalingv1.Scale) error {
	if r.contentType != mediaProtobuf {
		return json.Unmarshal(body, into)
	}
	_, _, err := protobuf.NewSerializer(scheme.Scheme, scheme.Scheme).Decode(body, nil, into)
	return err
}

func (r *request) patchedScale(before []byte) ([]byte, error) {
	switch r.contentType {
	case string(types.MergePatchType), string(types.StrategicMergePatchType): // a Scale has no lists
		return jsonpatch.MergePatch(before, r.body)
	case string(types.JSONPatchType):
		patch, err := jsonpatch.DecodePatch(r.body)
		if err != nil {
			return nil, apierrors.NewBadRequest(err.Error())
		}
		return patch.Apply(before)
	}
	return nil, unsupportedMedia(string(types.JSONPatchType), string(types.MergePatchType), string(types.StrategicMergePatchType))
}

// scaleOf is what the subresource shows of an object.
func scaleOf(o *unstructured.Unstructured) (*autoscalingv1.Scale, error) {
	scale := &autoscalingv1.Scale{
		TypeMeta: metav1.TypeMeta{APIVersion: "autoscaling/v1", Kind: "Scale"},
		ObjectMeta: metav1.ObjectMeta{
			Name: o.GetName(), Namespace: o.GetNamespace(), UID: o.GetUID(), ResourceVersion: o.GetResourceVersion(), CreationTimestamp: o.GetCreationTimestamp(),
		},
	}
	wanted, _ := child(o.Object, "spec")["replicas"].(int64)
	running, _ := child(o.Object, "status")["replicas"].(int64)
	scale.Spec.Replicas, scale.Status.Replicas = int32(wanted), int32(running)
	selector := &metav1.LabelSelector{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(child(child(o.Object, "spec"), "selector"), selector); err != nil {
		return nil, fmt.Errorf("selector of %s: %w", o.GetName(), err)
	}
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return nil, fmt.Errorf("selector of %s: %w", o.GetName(), err)
	}
	scale.Status.Selector = parsed.String()
	return scale, nil
}
