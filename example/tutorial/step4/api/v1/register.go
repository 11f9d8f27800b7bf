package v1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion returns the group and the version of the API.
func GroupVersion() schema.GroupVersion {
	return schema.GroupVersion{Group: "web.example.com", Version: "v1"}
}

// Kind returns the kind of Websites.
func Kind() schema.GroupVersionKind { return GroupVersion().WithKind("Website") }

// Resource returns the resource of Websites: their name in URLs.
func Resource() schema.GroupVersionResource { return GroupVersion().WithResource("websites") }

// AddToScheme adds the types of the API to a scheme: it then knows which Go type a kind has.
func AddToScheme(s *runtime.Scheme) error {
	s.AddKnownTypes(GroupVersion(), &Website{}, &WebsiteList{})
	metav1.AddToGroupVersion(s, GroupVersion())
	return nil
}
