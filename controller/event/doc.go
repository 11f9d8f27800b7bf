// Package event records Kubernetes Events about the objects of an operator: what people see with
// kubectl describe and kubectl events.
//
// A [Reason] is declared once, and then used with [Recorder.Eventf]:
//
//	var created = event.Normal("ChildCreated", "CreateChild")
//
//	func (a app) Apply(ctx context.Context, foo *v1.Foo) (controller.Action, error) {
//		...
//		a.events.Eventf(foo, child, created, "created Deployment %s", child.Name)
//
// A [Broadcaster] sends them to the API server while [Broadcaster.Run] runs the controllers:
//
//	events, err := event.New(cfg, scheme, "example.com/foo-operator", nil)
//	c, err := controller.New(repo, app{events: events}, &controller.Options{Observer: event.Observe(events)})
//	err = events.Run(ctx, c)
//
// Recording never fails, never waits and never ends an attempt. [Observe] records what the library
// itself has to tell. In tests a [FakeRecorder] takes the place of a Broadcaster.
//
// Events that say the same about the same object within 6 minutes become one, with a count: see
// [Broadcaster].
package event
