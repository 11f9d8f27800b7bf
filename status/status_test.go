package status_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	kubernetesfake "k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/kubernetes/scheme"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kuberator/kuberator/internal/journal"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/status"
	"github.com/kuberator/kuberator/test/fake"
	"github.com/kuberator/kuberator/test/sim"
)

// observed is a status that shows generation and error.
type observed struct {
	appsv1.DeploymentStatus
	Message string `json:"-"`
	cause   error
}

func (o *observed) ObserveGeneration(generation int64) { o.ObservedGeneration = generation }

func (o *observed) ObserveError(err error) {
	o.cause = err
	o.Conditions = nil
	if err != nil {
		o.Conditions = []appsv1.DeploymentCondition{{Type: "Failed", Status: corev1.ConditionTrue, Message: err.Error()}}
	}
}

// harness is a server with a Deployment.
type harness struct {
	*sim.Server
	Clientset *kubernetesfake.Clientset
	repo      *repository.Live[*appsv1.Deployment]
	began     uint64 // the resourceVersion with which the test begins
}

func setup(t *testing.T, s appsv1.DeploymentStatus) (*harness, *appsv1.Deployment) {
	t.Helper()
	server, cs := hardened(t, newDeployment(s))
	b := &harness{server, cs, repository.FromClient(cs, appsv1.SchemeGroupVersion.WithKind("Deployment"), cs.AppsV1().Deployments), server.RV()}
	return b, b.live(t)
}

// hardened returns a clientset that behaves like a server, and tells what was called.
func hardened(t *testing.T, objs ...runtime.Object) (*sim.Server, *kubernetesfake.Clientset) {
	t.Helper()
	cs := kubernetesfake.NewClientset()
	return fake.Harden(t, &cs.Fake, scheme.Scheme, fake.WithObjects(objs...)), cs
}

func newDeployment(s appsv1.DeploymentStatus) *appsv1.Deployment {
	labels := map[string]string{"app": "name"}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "name"},
		Spec: appsv1.DeploymentSpec{
			Selector: metav1.SetAsLabelSelector(labels),
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "i"}}},
			},
		},
		Status: s,
	}
}

// writes counts what took effect.
func (b *harness) writes() int { return int(b.RV() - b.began) }

// answered has patches take effect, and be answered with an error.
func (b *harness) answered(err error) {
	server := b.Clientset.ReactionChain[0]
	b.Clientset.PrependReactor("patch", "*", func(a clienttesting.Action) (bool, runtime.Object, error) {
		if _, _, refused := server.React(a); refused != nil {
			return true, nil, refused
		}
		return true, nil, err
	})
}

func (b *harness) live(t *testing.T) *appsv1.Deployment {
	t.Helper()
	d, err := b.Clientset.AppsV1().Deployments("ns").Get(t.Context(), "name", metav1.GetOptions{})
	require.NoError(t, err)
	return d
}

func (b *harness) writeStatus(t *testing.T, change func(*appsv1.DeploymentStatus)) {
	t.Helper()
	d := b.live(t)
	change(&d.Status)
	_, err := b.Clientset.AppsV1().Deployments("ns").UpdateStatus(t.Context(), d, metav1.UpdateOptions{})
	require.NoError(t, err)
}

func TestPatchSetsAndClears(t *testing.T) {
	b, d := setup(t, appsv1.DeploymentStatus{Replicas: 3, ReadyReplicas: 2})
	got, err := status.Patch(t.Context(), b.repo, d, appsv1.DeploymentStatus{Replicas: 4})
	require.NoError(t, err)
	require.Equal(t, appsv1.DeploymentStatus{Replicas: 4}, got.Status)
	require.Equal(t, b.live(t), got)
	require.NotContains(t, b.patches()[0], "spec")
}

// Kills: a status that is always sent.
func TestG9PatchSendsNothingWhenNothingChanges(t *testing.T) {
	b, d := setup(t, appsv1.DeploymentStatus{Replicas: 3})
	b.Clientset.ClearActions()
	got, err := status.Patch(t.Context(), b.repo, d, appsv1.DeploymentStatus{Replicas: 3})
	require.NoError(t, err)
	require.Same(t, d, got)
	require.Empty(t, b.Clientset.Actions(), "no request at all")
}

func TestPatchOnAnEmptyStatus(t *testing.T) {
	b, d := setup(t, appsv1.DeploymentStatus{})
	got, err := status.Patch(t.Context(), b.repo, d, &appsv1.DeploymentStatus{Replicas: 1})
	require.NoError(t, err)
	require.EqualValues(t, 1, got.Status.Replicas)
	require.Contains(t, b.patches()[0], "/metadata/resourceVersion", "the whole status must not overwrite somebody's")
}

func TestPatchOnAnEmptyStatusThatIsNoLonger(t *testing.T) {
	b, d := setup(t, appsv1.DeploymentStatus{})
	b.writeStatus(t, func(s *appsv1.DeploymentStatus) { s.UnavailableReplicas = 7 })
	got, err := status.Patch(t.Context(), b.repo, d, appsv1.DeploymentStatus{Replicas: 1})
	require.NoError(t, err)
	require.Equal(t, appsv1.DeploymentStatus{Replicas: 1, UnavailableReplicas: 7}, got.Status, "what another client wrote stays")
}

func TestPatchLeavesOtherFieldsAlone(t *testing.T) {
	b, d := setup(t, appsv1.DeploymentStatus{Replicas: 1})
	b.writeStatus(t, func(s *appsv1.DeploymentStatus) { s.UnavailableReplicas = 7 })
	got, err := status.Patch(t.Context(), b.repo, d, appsv1.DeploymentStatus{Replicas: 2})
	require.NoError(t, err)
	require.Equal(t, appsv1.DeploymentStatus{Replicas: 2, UnavailableReplicas: 7}, got.Status)
}

func TestG4PatchNeverLandsOnARecreatedObject(t *testing.T) {
	b, d := setup(t, appsv1.DeploymentStatus{Replicas: 1})
	require.NoError(t, b.Clientset.AppsV1().Deployments("ns").Delete(t.Context(), "name", metav1.DeleteOptions{}))
	_, err := b.Clientset.AppsV1().Deployments("ns").Create(t.Context(), newDeployment(appsv1.DeploymentStatus{}), metav1.CreateOptions{})
	require.NoError(t, err)
	b.writeStatus(t, func(s *appsv1.DeploymentStatus) { s.Replicas = 9 })
	_, err = status.Patch(t.Context(), b.repo, d, appsv1.DeploymentStatus{Replicas: 2})
	require.Equal(t, kerr.ClassNotFound, kerr.ClassOf(err))
	require.EqualValues(t, 9, b.live(t).Status.Replicas)
}

func TestPatchOfAGoneObject(t *testing.T) {
	b, d := setup(t, appsv1.DeploymentStatus{})
	require.NoError(t, b.Clientset.AppsV1().Deployments("ns").Delete(t.Context(), "name", metav1.DeleteOptions{}))
	_, err := status.Patch(t.Context(), b.repo, d, appsv1.DeploymentStatus{Replicas: 2})
	require.Equal(t, kerr.ClassNotFound, kerr.ClassOf(err))
	require.True(t, apierrors.IsNotFound(err))
	require.ErrorContains(t, err, "patch status Deployment ns/name")
}

func TestG16NoStatusSubresourceIsNotGone(t *testing.T) {
	_, cs := hardened(t, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "name"}})
	repo := repository.FromClient(cs, corev1.SchemeGroupVersion.WithKind("ConfigMap"), cs.CoreV1().ConfigMaps)
	cm, err := repo.Get(t.Context(), repository.Key(&metav1.ObjectMeta{Namespace: "ns", Name: "name"}))
	require.NoError(t, err)
	cs.ClearActions()
	_, err = status.Patch(t.Context(), repo, cm, map[string]string{})
	require.NoError(t, err)
	require.Empty(t, cs.Actions(), "an empty status is the same as none")
	_, err = status.Patch(t.Context(), repo, cm, map[string]string{"phase": "Ready"})
	require.Equal(t, kerr.ClassNoStatusSubresource, kerr.ClassOf(err))
	require.ErrorContains(t, err, "CustomResourceDefinition")
}

// Kills: a lost answer that is taken for a failure.
func TestG15LostAnswerIsReadBack(t *testing.T) {
	b, d := setup(t, appsv1.DeploymentStatus{Replicas: 1})
	b.answered(io.EOF)
	got, err := status.Patch(t.Context(), b.repo, d, appsv1.DeploymentStatus{Replicas: 2})
	require.NoError(t, err)
	require.EqualValues(t, 2, got.Status.Replicas)
	require.Equal(t, 1, b.writes())
}

// TestPatchInAReconcileComparesWithTheServer changes the status in place, which a
// reconcile may do, and passes it on.
func TestPatchInAReconcileComparesWithTheServer(t *testing.T) {
	b, d := setup(t, appsv1.DeploymentStatus{Replicas: 1})
	a := journal.New(t.Context(), journal.Config{Kind: b.repo.Kind(), Key: repository.Key(d)})
	a.WorkOn(journal.State{UID: d.UID, Pristine: d.DeepCopy()})
	ctx := a.Context()
	for replicas := range int32(3) {
		d.Status.Replicas = 5 + replicas
		_, err := status.Patch(ctx, b.repo, d, d.Status)
		require.NoError(t, err)
		require.Equal(t, 5+replicas, b.live(t).Status.Replicas)
		_, err = status.Patch(ctx, b.repo, d, d.Status)
		require.NoError(t, err)
	}
	require.Len(t, b.patches(), 3, "the second of each pair sends nothing")
}

// Kills: a dry run that is taken for what the server has.
func TestPatchAfterADryRunIsSent(t *testing.T) {
	b, d := setup(t, appsv1.DeploymentStatus{Replicas: 1})
	a := journal.New(t.Context(), journal.Config{Kind: b.repo.Kind(), Key: repository.Key(d)})
	defer a.End()
	a.WorkOn(journal.State{UID: d.UID, Pristine: d.DeepCopy()})
	d.Status.Replicas = 5
	_, err := status.Patch(a.Context(), b.repo.With(repository.DryRun()), d, d.Status)
	require.NoError(t, err)
	require.Equal(t, int32(1), b.live(t).Status.Replicas)
	_, err = status.Patch(a.Context(), b.repo, d, d.Status)
	require.NoError(t, err)
	require.Equal(t, int32(5), b.live(t).Status.Replicas)
}

func TestObserveGenerationAndError(t *testing.T) {
	b, d := setup(t, appsv1.DeploymentStatus{})
	d.Generation = 7 // what the reconcile worked on, not what is live
	cause := errors.New("line one\nline two \u202e" + strings.Repeat("x", 5000))
	s := &observed{}
	got, err := status.PatchError(t.Context(), b.repo, d, s, cause)
	require.NoError(t, err)
	require.EqualValues(t, 7, got.Status.ObservedGeneration)
	require.ErrorIs(t, s.cause, cause)
	message := got.Status.Conditions[0].Message
	require.LessOrEqual(t, len(message), kerr.MaxMessage)
	require.True(t, strings.HasPrefix(message, `line one\nline two \u202exxx`), message)

	got, err = status.PatchError(t.Context(), b.repo, got, s, nil)
	require.NoError(t, err)
	require.Empty(t, got.Status.Conditions)
	require.NoError(t, s.cause)

	require.True(t, status.Observed(&metav1.ObjectMeta{Generation: 7}, 7))
	require.False(t, status.Observed(&metav1.ObjectMeta{Generation: 8}, 7))
	require.False(t, status.Observed(&metav1.ObjectMeta{}, 0), "no generation, nothing to observe")
}

func TestGenerationIsObservedOnAValueToo(t *testing.T) {
	b, d := setup(t, appsv1.DeploymentStatus{})
	got, err := status.Patch(t.Context(), b.repo, d, observed{})
	require.NoError(t, err)
	require.Equal(t, d.Generation, got.Status.ObservedGeneration)
}

func TestBadInput(t *testing.T) {
	b, d := setup(t, appsv1.DeploymentStatus{})
	_, err := status.Patch(t.Context(), b.repo, &appsv1.Deployment{}, appsv1.DeploymentStatus{})
	require.ErrorIs(t, err, kerr.ErrUnnamed)
	_, err = status.Patch(t.Context(), b.repo, nil, appsv1.DeploymentStatus{})
	require.ErrorIs(t, err, kerr.ErrUnnamed)
	_, err = status.Patch(t.Context(), b.repo, d, "not an object")
	require.ErrorContains(t, err, "not a JSON object")
	_, err = status.Patch(t.Context(), b.repo, d, map[string]any{"f": func() {}})
	require.ErrorContains(t, err, "encode the status")
	b.Clientset.PrependReactor("*", "*", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewUnauthorized("expired")
	})
	_, err = status.Patch(t.Context(), b.repo, d, appsv1.DeploymentStatus{Replicas: 1})
	require.Equal(t, kerr.ClassForbidden, kerr.ClassOf(err))
}
