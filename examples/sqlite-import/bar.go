package main

import (
	"io"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/bizy-ai/bizydb/bizydb/sqliteimport"
)

// A bar shows on a terminal how far the import is.
type bar struct {
	to    io.Writer
	step  sqliteimport.Step
	shown *progressbar.ProgressBar
}

func (b *bar) show(p sqliteimport.Progress) {
	if p.Step != b.step {
		b.finish()
		b.step = p.Step
		b.shown = progressbar.NewOptions(p.Total,
			progressbar.OptionSetWriter(b.to),
			progressbar.OptionSetDescription(string(p.Step)),
			progressbar.OptionShowCount(),
			progressbar.OptionSetPredictTime(true),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionSetRenderBlankState(true),
			progressbar.OptionClearOnFinish(),
		)
	}
	_ = b.shown.Set(p.Done) // nothing depends on whether it can be shown
}

func (b *bar) finish() {
	if b.shown != nil {
		_ = b.shown.Clear()
		b.shown = nil
	}
}
