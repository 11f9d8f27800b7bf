package sim

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"

	"github.com/kuberator/kuberator/test/internal/answer"
)

// meta serves what is no resource: discovery, the version and health.
func (s *Server) meta(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodGet {
		return nil, errNotServed
	}
	switch path := strings.Trim(r.URL.Path, "/"); path {
	case "healthz", "livez", "readyz":
		return answer.New(http.StatusOK, "text/plain; charset=utf-8", []byte("ok")), nil
	case "version":
		return document(version.Info{Major: "1", Minor: "36", GitVersion: "v1.36.3", Platform: "sim/sim", GoVersion: "go1.26", Compiler: "gc"})
	case "api":
		return document(metav1.APIVersions{TypeMeta: metav1.TypeMeta{Kind: "APIVersions"}, Versions: []string{"v1"}})
	case "apis":
		return document(s.groups())
	case "api/v1":
		return s.resourceList(schema.GroupVersion{Version: "v1"})
	default:
		if document, ok := isOpenAPI(path); ok {
			return s.openAPI(r, document)
		}
		return s.group(strings.Split(path, "/"))
	}
}

// group serves /apis/GROUP and /apis/GROUP/VERSION.
func (s *Server) group(parts []string) (*http.Response, error) {
	switch {
	case parts[0] == "apis" && len(parts) == 2:
		for _, group := range s.groups().Groups {
			if group.Name == parts[1] {
				group.TypeMeta = metav1.TypeMeta{Kind: "APIGroup", APIVersion: "v1"}
				return document(group)
			}
		}
	case parts[0] == "apis" && len(parts) == 3:
		return s.resourceList(schema.GroupVersion{Group: parts[1], Version: parts[2]})
	}
	return nil, errNotServed
}

func (s *Server) groups() *metav1.APIGroupList {
	versions := map[string][]metav1.GroupVersionForDiscovery{}
	for _, r := range s.known() {
		v := metav1.GroupVersionForDiscovery{GroupVersion: r.gvk.GroupVersion().String(), Version: r.gvk.Version}
		if r.gvk.Group != "" && !slices.Contains(versions[r.gvk.Group], v) {
			versions[r.gvk.Group] = append(versions[r.gvk.Group], v)
		}
	}
	list := &metav1.APIGroupList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"}, Groups: []metav1.APIGroup{}}
	for name, all := range versions {
		slices.SortFunc(all, func(a, b metav1.GroupVersionForDiscovery) int { return -compareVersions(a.Version, b.Version) })
		list.Groups = append(list.Groups, metav1.APIGroup{Name: name, Versions: all, PreferredVersion: all[0]})
	}
	slices.SortFunc(list.Groups, func(a, b metav1.APIGroup) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

func (s *Server) resourceList(gv schema.GroupVersion) (*http.Response, error) {
	list := &metav1.APIResourceList{TypeMeta: metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}, GroupVersion: gv.String()}
	for _, r := range s.known() {
		if r.gvk.GroupVersion() != gv {
			continue
		}
		list.APIResources = append(list.APIResources, metav1.APIResource{
			Name: r.plural, SingularName: r.singular, Namespaced: r.namespaced, Kind: r.gvk.Kind, Verbs: r.verbs, ShortNames: r.shortNames, Categories: r.categories,
		})
		if r.gr().String() == "serviceaccounts" {
			list.APIResources = append(list.APIResources, metav1.APIResource{
				Name: "serviceaccounts/token", Namespaced: true, Group: authenticationv1.GroupName, Version: "v1", Kind: "TokenRequest", Verbs: []string{"create"},
			})
		}
		if r.scales() {
			list.APIResources = append(list.APIResources, metav1.APIResource{
				Name: r.plural + "/scale", Namespaced: r.namespaced, Group: "autoscaling", Version: "v1", Kind: "Scale", Verbs: []string{"get", "patch", "update"},
			})
		}
		if r.status {
			list.APIResources = append(list.APIResources, metav1.APIResource{
				Name: r.plural + "/status", Namespaced: r.namespaced, Kind: r.gvk.Kind, Verbs: []string{"get", "patch", "update"},
			})
		}
	}
	if len(list.APIResources) == 0 {
		return nil, errNotServed
	}
	slices.SortFunc(list.APIResources, func(a, b metav1.APIResource) int { return cmp.Compare(a.Name, b.Name) })
	return document(list)
}

func document(v any) (*http.Response, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return answer.New(http.StatusOK, mediaJSON, data), nil
}
