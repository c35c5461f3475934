package main

import (
	"image/color"
	"path/filepath"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// colors are eleven that are told apart easily.
var colors = []color.Color{
	color.RGBA{0xe1, 0x57, 0x59, 255},
	color.RGBA{0xba, 0xb0, 0xac, 255},
	color.RGBA{0x4e, 0x79, 0xa7, 255},
	color.RGBA{0xf2, 0x8e, 0x2b, 255},
	color.RGBA{0x76, 0xb7, 0xb2, 255},
	color.RGBA{0x59, 0xa1, 0x4f, 255},
	color.RGBA{0xed, 0xc9, 0x48, 255},
	color.RGBA{0xb0, 0x7a, 0xa1, 255},
	color.RGBA{0xff, 0x9d, 0xa7, 255},
	color.RGBA{0x9c, 0x75, 0x5f, 255},
	color.RGBA{0x1f, 0x3a, 0x5f, 255},
}

// A chart shows groups of bars: what everyone takes in one setting beside the next.
type chart struct {
	name   string // of its file
	title  string
	groups []string
	bars   []bars
}

type bars struct {
	name   string
	values []float64 // one in each group
}

// plotted are the cases that have a plot over the latencies.
var plotted = []string{"list", "complete"}

// savePlots saves the plots of docs/performance.md.
func savePlots(folder string, m measured) error {
	var charts []chart
	for _, work := range plotted {
		if slices.Contains(m.compare.works(), work) {
			charts = append(charts, latencyPlot(m.compare, work))
		}
	}
	if len(m.growth.cells) > 0 {
		charts = append(charts, growthPlot(m.growth))
	}
	for _, c := range charts {
		if err := c.save(filepath.Join(folder, "performance-"+c.name+".svg")); err != nil {
			return err
		}
	}
	return nil
}

// latencyPlot has the latencies beside each other, and the peers in each.
func latencyPlot(f figures, work string) chart {
	c := chart{name: work, title: work + ", 1 client: ms by added latency"}
	for _, l := range f.latencies() {
		c.groups = append(c.groups, plus(l))
	}
	for _, peer := range slices.DeleteFunc(f.peers(), isAgain) {
		b := bars{name: peer}
		for _, l := range f.latencies() {
			b.values = append(b.values, f.at(work, l, 1, peer).Time.median/1e3)
		}
		c.bars = append(c.bars, b)
	}
	return c
}

// growthPlot has the databases beside each other, and the cases in each.
func growthPlot(f figures) chart {
	c := chart{name: "growth", title: "bizydb, 1 client, no added latency: ms by tasks in the database"}
	for _, tasks := range distinct(f.cells, func(c cell) int { return c.Tasks }) {
		c.groups = append(c.groups, thousands(tasks))
	}
	for _, work := range f.works() {
		b := bars{name: work}
		for _, one := range f.cells {
			if one.Case == work {
				b.values = append(b.values, one.Time.median/1e3)
			}
		}
		c.bars = append(c.bars, b)
	}
	return c
}

func (c chart) save(path string) error {
	p := plot.New()
	p.Title.Text = c.title
	p.Y.Label.Text = "ms"
	p.Y.Min = 0
	p.Legend.Top, p.Legend.Left = true, true
	p.NominalX(c.groups...)
	p.X.Min, p.X.Max = -0.5, float64(len(c.groups))-0.5
	width := 15.5 * vg.Centimeter / vg.Length(len(c.groups)*(len(c.bars)+1))
	highest := 0.0
	for i, b := range c.bars {
		chart, err := plotter.NewBarChart(plotter.Values(b.values), width)
		if err != nil {
			return err
		}
		chart.LineStyle.Width = 0
		chart.Color = colors[i%len(colors)]
		chart.Offset = width * vg.Length(float64(i)-float64(len(c.bars)-1)/2)
		p.Add(chart)
		p.Legend.Add(b.name, chart)
		for _, v := range b.values {
			highest = max(highest, v)
		}
	}
	p.Y.Max = highest * 1.5 // room for the legend
	return p.Save(18*vg.Centimeter, 10*vg.Centimeter, path)
}
