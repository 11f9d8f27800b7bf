package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/repository"
)

// digest is the field that takes the place of the content in the caches: what has to be known of a ConfigMap or
// Secret fits into one line, and no Secret is kept in memory.
const digest = "digest"

// caches are the caches of what Pods are made with, by kind. Both kinds are treated in the same way, so that
// their Go types are not needed.
type caches map[string]*informer.Informer[*unstructured.Unstructured]

func newCaches(cfg *rest.Config, opts *informer.Options) (caches, error) {
	client, err := dynamic.NewForConfig(cfg)
	if err != nil {
		return nil, err
	}
	all := caches{}
	for kind, resource := range map[string]string{"ConfigMap": "configmaps", "Secret": "secrets"} {
		repo := repository.FromDynamic(client, corev1.SchemeGroupVersion.WithResource(resource), corev1.SchemeGroupVersion.WithKind(kind))
		if all[kind], err = informer.New(repo, opts); err != nil {
			return nil, err
		}
		if err := all[kind].SetTransform(digested); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// digested has the hash of the content in the place of the content. What it has returned can come here again.
func digested(obj *unstructured.Unstructured) *unstructured.Unstructured {
	if obj.Object[digest] != nil {
		return obj
	}
	text, _ := json.Marshal([]any{obj.Object["data"], obj.Object["binaryData"]}) // it cannot fail, and sorts the keys
	sum := sha256.Sum256(text)
	delete(obj.Object, "data")
	delete(obj.Object, "binaryData")
	obj.Object[digest] = hex.EncodeToString(sum[:])
	return obj
}

func digestChanged(before, after *unstructured.Unstructured) bool {
	return before.Object[digest] != after.Object[digest]
}
