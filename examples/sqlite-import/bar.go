package main

import (
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/bizy-ai/bizydb/bizydb/sqliteimport"
)

// A bar shows on a terminal how far the import is, and that it goes on while one statement takes long.
type bar struct {
	to    screen
	step  sqliteimport.Step
	shown *progressbar.ProgressBar
	quit  chan struct{}
	moves sync.WaitGroup
}

// checking is the step before an account is registered: no account for a file that cannot be imported.
const checking sqliteimport.Step = "checking the file"

// What follows a step, and cannot be counted.
var afterwards = map[sqliteimport.Step]string{
	checking:             "registering the user",
	sqliteimport.Reading: "comparing with what is there",
	sqliteimport.Writing: "finishing",
}

func (b *bar) show(p sqliteimport.Progress) {
	if b.to.width == 0 {
		return
	}
	switch {
	case p.Done == p.Total:
		b.step = ""
		b.start(afterwards[p.Step], -1)
		return
	case p.Step != b.step:
		b.step = p.Step
		b.start(string(p.Step), p.Total)
	}
	_ = b.shown.Set(p.Done) // nothing depends on whether it can be shown
}

// start shows another bar, or something that turns if the total is -1. Only the goroutine that it starts draws it again when
// nothing is done: the seconds go on.
func (b *bar) start(description string, total int) {
	b.finish()
	if b.to.width == 0 {
		return
	}
	options := []progressbar.Option{
		progressbar.OptionSetWriter(b.to),
		progressbar.OptionSetDescription(description),
		progressbar.OptionSetWidth(max(min(b.to.width-60, 40), 10)),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionSetElapsedTime(true),
		progressbar.OptionSpinnerType(14),
		progressbar.OptionSetSpinnerChangeInterval(0),
		progressbar.OptionThrottle(100 * time.Millisecond),
		progressbar.OptionSetRenderBlankState(true),
		progressbar.OptionClearOnFinish(),
	}
	if total > 0 {
		options = append(options, progressbar.OptionShowCount())
	}
	shown := progressbar.NewOptions(total, options...)
	quit := make(chan struct{})
	b.shown, b.quit = shown, quit
	b.moves.Go(func() {
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				_ = shown.RenderBlank()
			case <-quit:
				return
			}
		}
	})
}

// finish takes the bar away.
func (b *bar) finish() {
	if b.shown == nil {
		return
	}
	close(b.quit)
	b.moves.Wait()
	_ = b.shown.Clear()
	b.shown = nil
}
