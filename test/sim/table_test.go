package sim_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/test/sim"
)

const asTable = "application/json;as=Table;v=v1;g=meta.k8s.io"

// ask sends a GET for something in a form, and returns the status and the body.
func askFor(t *testing.T, cfg *rest.Config, path, form string) (int, string) {
	t.Helper()
	response := open(t.Context(), t, cfg, path, form)
	defer func() { require.NoError(t, response.Body.Close()) }()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(body)
}

func open(ctx context.Context, t *testing.T, cfg *rest.Config, path, form string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, cfg.Host+path, nil)
	require.NoError(t, err)
	request.Header.Set("Accept", form)
	response, err := cfg.Transport.RoundTrip(request)
	require.NoError(t, err)
	return response
}

// A list and one object come as tables, whose rows have what was asked for of their objects.
func TestTables(t *testing.T) {
	srv, client := start(t, sim.Options{Kinds: sim.Core("configmaps")})
	create(t, client.CoreV1().ConfigMaps("default"), "a")
	for _, path := range []string{"/api/v1/configmaps", "/api/v1/namespaces/default/configmaps/a"} {
		code, body := askFor(t, srv.Config(), path, asTable)
		require.Equal(t, http.StatusOK, code)
		var table metav1.Table
		require.NoError(t, json.Unmarshal([]byte(body), &table))
		require.Equal(t, "meta.k8s.io/v1", table.APIVersion)
		require.NotEmpty(t, table.ResourceVersion)
		require.Len(t, table.ColumnDefinitions, 3)
		require.Equal(t, metav1.TableColumnDefinition{Name: "Name", Type: "string", Format: "name"}, table.ColumnDefinitions[0])
		require.Len(t, table.Rows, 1)
		require.Equal(t, []any{"a", 0.0}, table.Rows[0].Cells[:2])
		var object metav1.PartialObjectMetadata
		require.NoError(t, json.Unmarshal(table.Rows[0].Object.Raw, &object))
		require.Equal(t, "PartialObjectMetadata", object.Kind)
		require.Equal(t, "a", object.Name)
	}
	_, body := askFor(t, srv.Config(), "/api/v1/configmaps?includeObject=None", asTable)
	require.Contains(t, body, `"object":null`)
	_, body = askFor(t, srv.Config(), "/api/v1/configmaps?includeObject=Object", asTable)
	require.Contains(t, body, `"object":{"kind":"ConfigMap"`)
	code, body := askFor(t, srv.Config(), "/api/v1/configmaps?includeObject=Some", asTable)
	require.Equal(t, http.StatusBadRequest, code)
	require.Contains(t, body, "must be 'Metadata', 'Object', 'None', or empty")
	_, body = askFor(t, srv.Config(), "/api/v1/configmaps", "application/json;as=Table;v=v1beta1;g=meta.k8s.io")
	require.Contains(t, body, `"apiVersion":"meta.k8s.io/v1beta1"`)
	code, _ = askFor(t, srv.Config(), "/api/v1/configmaps", "application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io")
	require.Equal(t, http.StatusNotAcceptable, code)
}

// The events of a watch are tables with one row, of which the first has the heads of the columns.
func TestWatchOfTables(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, client := start(t, sim.Options{Kinds: sim.Core("configmaps")})
		defer srv.Close()
		maps := client.CoreV1().ConfigMaps("default")
		create(t, maps, "a")
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		watch := open(ctx, t, srv.Config(), "/api/v1/configmaps?watch=true&allowWatchBookmarks=true", asTable)
		defer func() { require.NoError(t, watch.Body.Close()) }()
		events := bufio.NewScanner(watch.Body)
		next := func() (string, *metav1.Table) {
			require.True(t, events.Scan())
			var event struct {
				Type   string
				Object metav1.Table
			}
			require.NoError(t, json.Unmarshal(events.Bytes(), &event))
			require.Len(t, event.Object.Rows, 1)
			return event.Type, &event.Object
		}
		kind, table := next()
		require.Equal(t, "ADDED", kind)
		require.Len(t, table.ColumnDefinitions, 3)
		kind, table = next()
		require.Equal(t, "BOOKMARK", kind)
		require.Contains(t, string(table.Rows[0].Object.Raw), metav1.InitialEventsAnnotationKey)
		second := create(t, maps, "b")
		kind, table = next()
		require.Equal(t, "ADDED", kind)
		require.Empty(t, table.ColumnDefinitions)
		require.Equal(t, "b", table.Rows[0].Cells[0])
		require.Equal(t, second.ResourceVersion, table.ResourceVersion)
		kind, table = next()
		require.Equal(t, "BOOKMARK", kind)
		require.Equal(t, second.ResourceVersion, table.ResourceVersion)
		require.Contains(t, string(table.Rows[0].Object.Raw), second.ResourceVersion)
	})
}

// Clients that accept nothing but Protobuf get objects of the kinds that are compiled in.
func TestProtobufOnly(t *testing.T) {
	srv, _ := start(t, sim.Options{Kinds: sim.Core("configmaps", "events.events.k8s.io")})
	cfg := srv.Config()
	cfg.ContentType, cfg.AcceptContentTypes = "application/vnd.kubernetes.protobuf", "application/vnd.kubernetes.protobuf"
	client, err := kubernetes.NewForConfig(cfg)
	require.NoError(t, err)
	maps := client.CoreV1().ConfigMaps("default")
	made := create(t, maps, "a")
	require.NotEmpty(t, made.UID)
	made.Data = map[string]string{"k": "v"}
	_, err = maps.Update(t.Context(), made, metav1.UpdateOptions{})
	require.NoError(t, err)
	got, err := maps.Get(t.Context(), "a", metav1.GetOptions{})
	require.NoError(t, err)
	require.Equal(t, made.Data, got.Data)
	require.Equal(t, made.UID, got.UID)
	require.NoError(t, maps.Delete(t.Context(), "a", metav1.DeleteOptions{}))
	_, err = client.CoreV1().Namespaces().List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	_, err = client.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "n"}}, metav1.CreateOptions{})
	require.NoError(t, err)
}
