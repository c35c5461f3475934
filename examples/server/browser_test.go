package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

var screenshot = flag.String("screenshot", "", "write a PNG of the demo's page to this `FILE`: "+
	"go test -run TestBrowser . -screenshot ../../docs/images/server.png")

const axeFile = "testdata/npm/node_modules/axe-core/axe.min.js"

// needs skips a test on a developer's machine that lacks something, and says what installs it.
func needs(t *testing.T, what, install string, err error) {
	t.Helper()
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatalf("no %s (%s): %v", what, install, err)
	default:
		t.Skipf("no %s (%s): %v", what, install, err)
	}
}

func chromium() (path string, err error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"} {
		if path, err = exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", err
}

// A tab is a page in headless Chromium.
type tab struct {
	context.Context
	mu      sync.Mutex
	console []string
}

func openTab(t *testing.T) *tab {
	t.Helper()
	path, err := chromium()
	needs(t, "Chromium", "apt-get install chromium", err)
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // which root cannot have
	}
	ctx, stop := context.WithTimeout(context.Background(), 3*time.Minute)
	allocator, stopAllocator := chromedp.NewExecAllocator(ctx, options...)
	page, stopPage := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		if err := chromedp.Cancel(page); err != nil {
			t.Error(err)
		}
		stopPage()
		stopAllocator()
		stop()
	})
	b := &tab{Context: page}
	err = chromedp.Listen(page, func(event any) {
		var text string
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			text = e.ExceptionDetails.Text + " " + e.ExceptionDetails.Exception.Description
		case *runtime.EventConsoleAPICalled:
			text = string(e.Type)
			for _, arg := range e.Args {
				text += " " + string(arg.Value)
			}
		case *cdplog.EventEntryAdded: // what the policy refuses, what is not found
			text = e.Entry.Text + " " + e.Entry.URL
		default:
			return
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		b.console = append(b.console, text)
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *tab) do(t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(b, steps...); err != nil {
		t.Fatal(err)
	}
}

// value evaluates a script.
func value[T any](t *testing.T, b *tab, script string) T {
	t.Helper()
	v, err := chromedp.Run(b, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// emulate is a step that gives the window the focus, and sets how wide the screen is and which colors the reader prefers.
func emulate(width int64, scheme string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
		if err != nil {
			return err
		}
		_, err = cdp.Call(ctx, t, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width: width, Height: 900, DeviceScaleFactor: 1, Mobile: width < 500,
		})
		if err != nil {
			return err
		}
		_, err = cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	})
}

// tabTo presses the Tab key until an element has the focus, which must be seen.
func (b *tab) tabTo(t *testing.T, id string) {
	t.Helper()
	for range 200 {
		if value[string](t, b, "document.activeElement.id") == id {
			if value[string](t, b, "getComputedStyle(document.activeElement).outlineStyle") == "none" {
				t.Errorf("%s has the focus, and nothing shows it", id)
			}
			return
		}
		b.do(t, chromedp.KeyEvent(kb.Tab))
	}
	t.Fatalf("the keyboard does not lead to %s", id)
}

// checkAccessible checks the page as it is, in light and in dark, on a desk and on a phone.
func (b *tab) checkAccessible(t *testing.T, axe string) {
	t.Helper()
	for _, width := range []int64{1000, 320} {
		for _, scheme := range []string{"light", "dark"} {
			b.do(t, emulate(width, scheme))
			if scroll := value[int64](t, b, "document.documentElement.scrollWidth"); scroll > width {
				t.Errorf("the page is %d pixels wide on a screen of %d", scroll, width)
			}
			if axe == "" {
				continue
			}
			// What lies on top of others has a contrast that axe cannot tell: #news, whose colors are those of .moved.
			found := value[json.RawMessage](t, b, axe+`;axe.run({resultTypes: ["violations", "incomplete"]}).then((r) =>
				[...r.violations, ...r.incomplete.filter((v) => v.id !== "color-contrast" || v.nodes.some((n) => n.target[0] !== "#news"))]
				.map((v) => [v.id, v.help, v.nodes.map((n) => n.html + " " + n.failureSummary)]))`)
			if string(found) != "[]" {
				t.Errorf("axe, %d pixels, %s: %s", width, scheme, found)
			}
		}
	}
}

func TestBrowser(t *testing.T) {
	t.Parallel()
	b := openTab(t)
	source, err := os.ReadFile(axeFile)
	axe := string(source)
	if err != nil && os.Getenv("CI") != "true" {
		t.Logf("without the accessibility checker (npm ci --ignore-scripts in testdata/npm): %v", err)
	} else if err != nil {
		t.Fatal(err)
	}
	s := start(t)
	if err := makeDemo(t.Context(), s.db, io.Discard); err != nil {
		t.Fatal(err)
	}

	b.do(t, chromedp.Navigate(s.url+"/"), chromedp.WaitVisible(chromedp.CSS("#username")))
	b.checkAccessible(t, axe)
	b.tabTo(t, "forgot")
	b.do(t, chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible(chromedp.CSS("#email")))
	b.checkAccessible(t, axe)
	b.tabTo(t, "email")
	b.do(t, chromedp.KeyEvent("demo@example.org"+kb.Enter), chromedp.WaitVisible(chromedp.CSS("[role=status]")))
	b.checkAccessible(t, axe)
	b.tabTo(t, "sign-in")
	b.do(t, chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible(chromedp.CSS("#username")))
	b.tabTo(t, "username")
	b.do(t, chromedp.KeyEvent(demoUser))
	b.tabTo(t, "password")
	b.do(t, chromedp.KeyEvent(demoPassword+kb.Enter), chromedp.WaitVisible(chromedp.CSS("#plan")))
	b.checkAccessible(t, axe)

	// The first task below a goal below a goal.
	const taskForm = `document.querySelector(".goals .goals form[action$=complete]")`
	button := value[string](t, b, taskForm+`.querySelector("button").id`)
	const percents = `[...document.querySelectorAll("[data-goal]")].filter((g) => g.querySelector("#%s")).map((g) => g.querySelector(".percent").textContent)`
	above := func() []string { return value[[]string](t, b, fmt.Sprintf(percents, button)) }
	before := above()
	b.tabTo(t, button)
	b.do(t, chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible(chromedp.CSS(`.moved`)))
	after := above()
	if len(before) < 2 || strings.Join(before, "") == strings.Join(after, "") || before[len(before)-1] == after[len(after)-1] {
		t.Errorf("the goals above were at %q and are at %q", before, after)
	}
	if focus := value[string](t, b, "document.activeElement.id"); focus != button {
		t.Errorf("the focus went from %s to %q", button, focus)
	}
	news := value[string](t, b, `document.querySelector("[role=status]").textContent`)
	if !strings.HasPrefix(news, "Completed “") || !strings.Contains(news, before[len(before)-1]+" to "+after[len(after)-1]) {
		t.Errorf("news %q of %q to %q", news, before, after)
	}
	b.checkAccessible(t, axe)
	if *screenshot != "" {
		b.screenshot(t, *screenshot)
	}
	b.do(t, chromedp.KeyEvent(kb.Enter), chromedp.WaitNotPresent(chromedp.CSS(`#plan .done`)))
	if again := above(); strings.Join(again, "") != strings.Join(before, "") {
		t.Errorf("reopened: %q, want %q", again, before)
	}
	b.tabTo(t, "sign-out")
	b.do(t, chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible(chromedp.CSS("#username")))

	value[chromedp.Void](t, b, `console.error("the end")`)
	b.mu.Lock()
	defer b.mu.Unlock()
	if want := []string{`error "the end"`}; !slices.Equal(b.console, want) {
		t.Errorf("in the console: %q, want %q", b.console, want)
	}
}

const maxScreenshot = 200_000 // bytes

func (b *tab) screenshot(t *testing.T, file string) {
	t.Helper()
	b.do(t, emulate(800, "light"), chromedp.Evaluate[chromedp.Void]("scrollTo(0, 0)"))
	png, err := chromedp.Run(b, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	if len(png) > maxScreenshot {
		t.Fatalf("a picture of %d bytes", len(png))
	}
	if err := os.WriteFile(file, png, 0o644); err != nil {
		t.Fatal(err)
	}
}
