package report

import (
	"os"
	"runtime"
	"runtime/debug"
	"strings"
)

// Machine is what the results are from.
type Machine struct {
	Processor string `json:"processor"`
	Cores     int    `json:"cores"`
	System    string `json:"system"`
	Go        string `json:"go"`
	ClientGo  string `json:"clientGo"`
	Runtime   string `json:"controllerRuntime"`
}

func thisMachine() Machine {
	return Machine{
		Processor: processor(), Cores: runtime.NumCPU(), System: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version(),
		ClientGo: version("k8s.io/client-go"), Runtime: version("sigs.k8s.io/controller-runtime"),
	}
}

// String is for people.
func (m Machine) String() string {
	cores := "cores"
	if m.Cores == 1 {
		cores = "core"
	}
	return strings.Join([]string{
		strings.TrimSpace(m.Processor), itoa(m.Cores) + " " + cores, m.System, m.Go, "client-go " + m.ClientGo, "controller-runtime " + m.Runtime,
	}, ", ")
}

// processor returns its name, where Linux tells.
func processor() string {
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "an unknown processor"
}

func version(module string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "of an unknown version"
	}
	for _, m := range info.Deps {
		if m.Path == module {
			return m.Version
		}
	}
	return "of an unknown version"
}
