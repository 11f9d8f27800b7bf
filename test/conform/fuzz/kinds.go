package fuzz

// kind is what a sequence needs to know of a kind of objects.
type kind struct {
	collection string  // the placeholder of its path
	body       string  // the placeholder of its apiVersion and kind
	content    []field // what is not metadata and status
	status     []field // of its status, nil if it has no such subresource
	show       string  // what an answer shows beside metadata
	paths      []path  // what JSON patches name
	compiled   bool    // it takes strategic merge patches
	scale      bool    // it has a subresource for the number of its replicas
}

// path is a place in an object, and what may stand there.
type path struct {
	pointer string
	value   value
}

// groups are the kinds that a sequence is about. Several stand for the versions of one.
var groups = [][]*kind{
	{configMap}, {configMap}, {sealed}, {secret}, {service}, {deployment}, {deployment}, {widget}, {widget}, {plain}, {twin, twinV2}, {twin, twinV2},
}

var (
	small = oneOf(1, 2)
	word  = oneOf("x", "y")
	text  = oneOf("x", "y", "")
	flag  = oneOf(true, false)
)

var configMap = &kind{
	collection: "$configmaps", body: "$ConfigMap", show: "data,binaryData,immutable", compiled: true,
	content: []field{
		{"data", 80, object(field{"a", 60, text}, field{"b", 40, text})},
		{"binaryData", 10, object(field{"c", 80, oneOf("eA==", "eQ==")})},
	},
	paths: []path{{"/data", object(field{"a", 60, text})}, {"/data/a", text}, {"/data/b", text}},
}

// sealed are ConfigMaps that never change, and all have data: the simulator does not tell an empty
// map from none.
var sealed = &kind{
	collection: "$configmaps", body: "$ConfigMap", show: "data,immutable", compiled: true,
	content: []field{{"data", 100, object(field{"a", 100, word})}, {"immutable", 60, flag}},
	paths:   []path{{"/data/b", text}, {"/immutable", flag}},
}

var secret = &kind{
	collection: "$secrets", body: "$Secret", show: "type,data,immutable", compiled: true,
	content: []field{
		{"type", 30, oneOf("Opaque", "example.com/t")},
		{"data", 60, object(field{"a", 60, oneOf("eA==", "eQ==", "")}, field{"b", 40, oneOf("eA==", "eQ==")})},
		{"stringData", 20, object(field{"a", 80, text})},
	},
	paths: []path{{"/data/a", oneOf("eA==", "eQ==")}, {"/stringData", object(field{"a", 60, text})}, {"/type", oneOf("Opaque", "example.com/t")}},
}

var service = &kind{
	collection: "$services", body: "$Service", show: "spec,status", compiled: true,
	content: []field{{"spec", 98, object(
		field{"ports", 90, keyed("port", oneOf(80, 81), field{"name", 70, oneOf("a", "b")}, field{"protocol", 20, oneOf("TCP", "UDP")}, field{"targetPort", 20, oneOf(80, "a")})},
		field{"selector", 40, object(field{"a", 80, word})},
		field{"type", 30, oneOf("ClusterIP", "ExternalName")},
		field{"externalName", 15, oneOf("x.example.com")},
		field{"clusterIP", 15, oneOf("None", "")},
		field{"sessionAffinity", 10, oneOf("None", "ClientIP")},
		field{"publishNotReadyAddresses", 10, flag},
	)}},
	status: []field{{"loadBalancer", 60, object(field{"ingress", 60, keyed("ip", oneOf("1.2.3.4", "1.2.3.5"))})}, {"conditions", 40, conditions}},
	paths:  []path{{"/spec/selector", object(field{"a", 80, word})}, {"/spec/ports/0/name", oneOf("a", "b")}, {"/spec/sessionAffinity", oneOf("None", "ClientIP")}},
}

var conditions = keyed("type", oneOf("A", "B"), field{"status", 90, oneOf("True", "False")}, field{"reason", 50, oneOf("R", "Q")},
	field{"message", 90, text}, field{"lastTransitionTime", 90, oneOf("2026-01-01T00:00:00Z")})

var template = object(
	field{"metadata", 100, object(field{"labels", 100, object(field{"app", 100, oneOf("x")}, field{"l", 20, word})})},
	field{"spec", 100, object(field{"containers", 98, keyed("name", oneOf("c", "d"), field{"image", 97, oneOf("i", "j")},
		field{"env", 20, keyed("name", oneOf("E", "F"), field{"value", 70, text})},
		field{"ports", 20, keyed("containerPort", oneOf(80, 81), field{"name", 30, oneOf("a", "b")})},
	)}, field{"terminationGracePeriodSeconds", 10, small})},
)

var deployment = &kind{
	collection: "$deployments", body: "$Deployment", show: "spec,status", compiled: true, scale: true,
	content: []field{{"spec", 98, object(
		field{"replicas", 50, small},
		field{"selector", 98, object(field{"matchLabels", 100, object(field{"app", 100, oneOf("x")})})},
		field{"template", 98, template},
		field{"paused", 15, flag},
		field{"minReadySeconds", 10, oneOf(0, 1)},
		field{"strategy", 15, object(field{"type", 90, oneOf("Recreate", "RollingUpdate")})},
	)}},
	status: []field{
		{"replicas", 40, small}, {"readyReplicas", 20, oneOf(0, 1)}, {"observedGeneration", 30, small}, {"conditions", 40, conditions},
	},
	paths: []path{{"/spec/replicas", small}, {"/spec/paused", flag}, {"/spec/template/spec/containers/0/image", oneOf("i", "j")}, {"/status", object(field{"replicas", 50, small})}},
}

var widget = &kind{
	collection: "$widgets", body: "$Widget", show: "spec,status",
	content: []field{{"spec", 97, object(
		field{"size", 94, oneOf(1, 2, 2, 1, 2000)},
		field{"text", 20, text}, field{"enabled", 15, flag}, field{"ratio", 10, oneOf(1, 1.5)}, field{"colour", 15, oneOf("red", "blue", "red", "none")},
		field{"mixed", 10, oneOf(1, "x")}, field{"maybe", 10, oneOf("x", nil)},
		field{"settings", 25, object(field{"mode", 30, word}, field{"level", 20, small}, field{"hint", 20, oneOf("x", nil)})},
		field{"labels", 15, object(field{"a", 60, word}, field{"b", 40, word})},
		field{"numbers", 15, list(small)}, field{"tags", 20, list(word)},
		field{"parts", 30, keyed("name", word, field{"value", 50, text}, field{"weight", 30, small})},
		field{"point", 15, object(field{"x", 60, small}, field{"z", 60, small})},
		field{"extra", 10, object(field{"a", 60, text}, field{"b", 40, list(small)})},
		field{"unknown", 5, word},
	)}},
	status: []field{{"phase", 60, oneOf("Pending", "Ready")}, {"size", 30, small}, {"conditions", 40, keyed("type", oneOf("A", "B"), field{"status", 95, oneOf("True", "False")}, field{"reason", 40, text})}},
	paths: []path{
		{"/spec/size", small}, {"/spec/text", text}, {"/spec/tags", list(word)}, {"/spec/parts/0/value", text}, {"/spec/settings", object()}, {"/status", object()},
	},
}

var plain = &kind{
	collection: "$plains", body: "$Plain", show: "spec,status,other",
	content: []field{
		{"spec", 70, object(field{"a", 50, text}, field{"b", 30, list(word)}, field{"c", 30, object(field{"d", 60, oneOf(1, nil, 1.5)})})},
		{"status", 20, object(field{"a", 60, small})}, {"other", 20, text},
	},
	paths: []path{{"/spec/a", text}, {"/spec/b/0", word}, {"/spec/c", object()}, {"/other", text}, {"/status", object()}},
}

var twin, twinV2 = versionOfTwin("", field{"parts", 30, keyed("name", word, field{"value", 50, text})}), versionOfTwin("v2", field{"more", 30, text})

func versionOfTwin(version string, own field) *kind {
	suffix := ""
	if version != "" {
		suffix = "V2"
	}
	return &kind{
		collection: "$twins" + version, body: "$Twin" + suffix, show: "apiVersion,spec,status",
		content: []field{{"spec", 90, object(field{"size", 60, oneOf(1, 2, 1, 2, 20)}, field{"text", 30, text}, own)}},
		status:  []field{{"phase", 70, word}},
		paths:   []path{{"/spec/size", small}, {"/spec/text", text}, {"/spec/" + own.name, own.value}},
	}
}
