package controller_test

import (
	"context"
	"log/slog"
	"os"

	"github.com/go-logr/logr"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/repository"
)

// once runs a controller until its one object has been applied.
func once(apply func(context.Context, *corev1.ConfigMap) (controller.Action, error), opts *controller.Options) {
	cs := fake.NewClientset(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "world", UID: "7d4c"}})
	repo := repository.FromClient(cs, corev1.SchemeGroupVersion.WithKind("ConfigMap"), cs.CoreV1().ConfigMaps)
	ctx, cancel := context.WithCancel(context.Background())
	opts.Observer = controller.ObserverFuncs{EndedFunc: func(context.Context, controller.Attempt) { cancel() }}
	_ = controller.Run(ctx, repo, controller.Funcs[*corev1.ConfigMap]{FinalizerName: controller.NoFinalizer, ApplyFunc: apply}, opts)
}

// withoutTime makes log records the same in each run.
func withoutTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

// A program that logs with log/slog.
func ExampleSlog() {
	handler := slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: withoutTime})
	apply := func(ctx context.Context, cm *corev1.ConfigMap) (controller.Action, error) {
		controller.Slog(ctx).Info("greeted", "greeting", "hello, "+cm.Name)
		return controller.AwaitChange(), nil
	}
	once(apply, &controller.Options{Slog: slog.New(handler)})
	// Output: level=INFO msg=greeted controller=configmap namespace=default name=world uid=7d4c greeting="hello, world"
}

// A program that logs with logr: its logger becomes that of the controller, and code below Apply
// takes it from ctx as usual.
func ExampleSlog_logr() {
	mine := logr.FromSlogHandler(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: withoutTime}))
	apply := func(ctx context.Context, _ *corev1.ConfigMap) (controller.Action, error) {
		ctx = logr.NewContext(ctx, logr.FromSlogHandler(controller.Slog(ctx).Handler()))
		logr.FromContextOrDiscard(ctx).Info("greeted")
		return controller.AwaitChange(), nil
	}
	once(apply, &controller.Options{Slog: slog.New(logr.ToSlogHandler(mine))})
	// Output: level=INFO msg=greeted controller=configmap namespace=default name=world uid=7d4c
}

// A program that logs with zap.
func ExampleLogger() {
	encoder := zapcore.NewConsoleEncoder(zapcore.EncoderConfig{MessageKey: "msg", LevelKey: "level", EncodeLevel: zapcore.LowercaseLevelEncoder})
	logger := zap.New(zapcore.NewCore(encoder, zapcore.Lock(os.Stdout), zapcore.InfoLevel))
	apply := func(ctx context.Context, cm *corev1.ConfigMap) (controller.Action, error) {
		controller.Logger(ctx).Info("greeted", zap.String("greeting", "hello, "+cm.Name))
		return controller.AwaitChange(), nil
	}
	once(apply, &controller.Options{Logger: logger})
	// Output: info	greeted	{"controller": "configmap", "namespace": "default", "name": "world", "uid": "7d4c", "greeting": "hello, world"}
}
