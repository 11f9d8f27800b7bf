package report

import (
	_ "embed" // for the template
	"fmt"
	"strings"
	"text/template"

	"github.com/kuberator/kuberator/test/bench/internal/workload"
)

//go:embed chart.svg.tmpl
var chartSource string

var chartTemplate = template.Must(template.New("chart").Funcs(template.FuncMap{
	"add": func(a, b int) int { return a + b },
}).Parse(chartSource))

// The measures of a chart, in pixels.
const (
	barHeight, barGap, labelWidth, barWidth, panelHead = 18, 6, 190, 360, 34
)

// bar is one of a chart.
type bar struct {
	Y, Width    int
	Name, Value string
	Ours        bool
}

// panel is the part of a chart that shows one metric.
type panel struct {
	Y     int
	Title string
	Bars  []bar
}

// Chart draws the metrics of a workload that its Chart names, as an SVG for light and dark pages: a panel for each,
// with a bar for each contender.
func Chart(w workload.Workload, all *Results) string {
	var panels []panel
	y := 26
	for _, metric := range w.Chart {
		p := panelOf(w, metric, all, y)
		if len(p.Bars) == 0 {
			continue
		}
		panels = append(panels, p)
		y += panelHead + len(p.Bars)*(barHeight+barGap)
	}
	var out strings.Builder
	err := chartTemplate.Execute(&out, map[string]any{
		"Name": w.Name, "Title": w.Name + ": " + w.About, "Panels": panels, "Height": y + 10, "Width": labelWidth + barWidth + 110, "Left": labelWidth,
		"Bar": barHeight,
	})
	if err != nil {
		return fmt.Sprint(err) // the template is part of the program, and a test draws it
	}
	return out.String()
}

func panelOf(w workload.Workload, metric string, all *Results, y int) panel {
	p := panel{Y: y + 16}
	var most float64
	for _, c := range w.Contenders {
		r, _ := all.Find(w.Name, c.Name, metric)
		most = max(most, r.Median)
	}
	for _, c := range w.Contenders {
		r, ok := all.Find(w.Name, c.Name, metric)
		if !ok || most == 0 {
			continue
		}
		p.Title = strings.TrimSuffix(metric+", "+r.Unit, ", ")
		p.Bars = append(p.Bars, bar{
			Y: y + panelHead - 8 + len(p.Bars)*(barHeight+barGap), Width: max(1, int(barWidth*r.Median/most)),
			Name: c.Name, Value: number(r.Median), Ours: strings.HasPrefix(c.Name, w.Reference()),
		})
	}
	return p
}
