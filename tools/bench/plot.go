package main

import (
	"fmt"
	"image/color"

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
	name   string // of its file, after the case
	title  string
	groups []string
	bars   []bars
}

type bars struct {
	name   string
	values []float64 // one in each group
}

// plots of a case are one over the latencies, with one client, and one over the clients, without latency.
func plots(results []result) []chart {
	latency := chart{name: "latency", title: results[0].name + ", 1 client: ms by added latency"}
	clients := chart{name: "clients", title: results[0].name + ", no added latency: ms by clients"}
	for _, r := range results {
		if r.clients == 1 {
			latency.add(plus(r.latency), r)
		}
		if r.latency == 0 {
			clients.add(fmt.Sprint(r.clients), r)
		}
	}
	var all []chart
	for _, c := range []chart{latency, clients} {
		if len(c.groups) > 0 && (len(c.groups) > 1 || len(all) == 0) {
			all = append(all, c)
		}
	}
	return all
}

// growthPlot has the databases beside each other, and the cases in each.
func growthPlot(all []growth) chart {
	c := chart{name: "growth", title: "bizydb, 1 client, no added latency: ms by tasks in the database"}
	for _, tasks := range all[0].tasks {
		c.groups = append(c.groups, thousands(tasks))
	}
	for _, g := range all {
		b := bars{name: g.name}
		for _, m := range g.micros {
			b.values = append(b.values, median(m)/1e3)
		}
		c.bars = append(c.bars, b)
	}
	return c
}

func (c *chart) add(group string, r result) {
	c.groups = append(c.groups, group)
	for i, p := range r.peers {
		if len(c.bars) == i {
			c.bars = append(c.bars, bars{name: p.name})
		}
		c.bars[i].values = append(c.bars[i].values, p.median()/1e3)
	}
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
