package debug

import "time"

// A chart is what a template draws: bars in a box of a fixed size.
type chart struct {
	Width int
	Bars  []drawn
}

// drawn is a bar: of successes, and of failures on top of them.
type drawn struct {
	X, Width                  int
	OKTop, OK, FailedTop, Bad int // from the top of the chart, and how high
	Title                     string
}

const (
	chartWidth, chartHeight = 600, 80
	gap                     = 2
)

// draw makes bars of pairs of numbers, as wide as the chart together. What is not zero can be seen.
func draw(n int, of func(i int) (ok, failed int, title string)) chart {
	most := 0
	for i := range n {
		ok, failed, _ := of(i)
		most = max(most, ok+failed)
	}
	scale := func(count int) int {
		if count == 0 {
			return 0
		}
		return max(2, count*chartHeight/most)
	}
	c := chart{Width: chartWidth}
	for i := range n {
		ok, failed, title := of(i)
		d := drawn{X: i*chartWidth/n + gap/2, Width: chartWidth/n - gap, OK: scale(ok), Bad: scale(failed), Title: title}
		d.OKTop = chartHeight - d.OK
		d.FailedTop = max(0, d.OKTop-d.Bad)
		c.Bars = append(c.Bars, d)
	}
	return c
}

// throughput is the chart of the attempts of the last half hour.
func throughput(all []slotView) chart {
	return draw(len(all), func(i int) (ok, failed int, title string) {
		s := all[i]
		ago := span(slotTime * time.Duration(len(all)-i))
		return s.OK, s.Failed, ago + " ago: " + plural(s.OK, "attempt succeeded", "attempts succeeded") + ", " + plural(s.Failed, "failed", "failed")
	})
}

// histogram is the chart of how long attempts took.
func histogram(all []barView) chart {
	return draw(len(all), func(i int) (ok, failed int, title string) {
		b := all[i]
		words := "up to " + b.UpTo
		if i == len(all)-1 {
			words = "longer"
		}
		return b.Attempts, 0, words + ": " + plural(b.Attempts, "attempt", "attempts")
	})
}
