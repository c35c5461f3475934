package pgserver

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestNoWayWorks(t *testing.T) {
	t.Parallel()
	err := startFails(t, Options{Getenv: env(noImage, noBinaries, noMaven)},
		"dsn: "+EnvDSN+" is not set",
		"container: ", "installed: /bizydbtest/nowhere: no usable initdb there", "embedded: repository http://bizydb.invalid cannot be reached",
		EnvImage, EnvBinDir, EnvBinariesURL)
	t.Log(err)
}

func TestNoWayWorksNamesTheCallersVariables(t *testing.T) {
	t.Parallel()
	opts := Options{DSNVars: []string{"DATABASE_URL"}, Getenv: env(noImage, noBinaries, noMaven)}
	startFails(t, opts, "dsn: none of DATABASE_URL, "+EnvDSN+" is set\n")
}

func TestForcedWay(t *testing.T) {
	t.Parallel()
	tests := []struct {
		way  string
		env  []string
		says string
	}{
		{"dsn", nil, EnvDSN + " is not set"},
		{"container", []string{noImage}, ""},
		{"installed", []string{noBinaries}, "no usable initdb there"},
		{"embedded", []string{noMaven}, "cannot be reached"},
		{"magic", nil, "want dsn, container, installed or embedded"},
	}
	for _, tt := range tests {
		t.Run(tt.way, func(t *testing.T) {
			t.Parallel()
			startFails(t, Options{Getenv: env(append(tt.env, EnvWay+"="+tt.way)...)}, EnvWay+"=", tt.way, tt.says)
		})
	}
}

func TestForcedWayGoesBeforeADSN(t *testing.T) {
	t.Parallel()
	getenv := env(EnvWay+"=installed", noBinaries, EnvDSN+"="+sharedServer(t).DSN())
	startFails(t, Options{Getenv: getenv}, EnvWay+"=installed: /bizydbtest/nowhere: ")
}

func TestSaysWhatTakesLong(t *testing.T) {
	t.Parallel()
	sharedServer(t) // skips where there are no binaries
	for patience, want := range map[time.Duration]string{time.Nanosecond: "^starting PostgreSQL from /.+, with its files in /[^\\n]+$", time.Hour: "^$"} {
		var said []string
		s, err := Start(t.Context(), Options{
			Getenv: env(EnvWay + "=installed"), patience: patience,
			Logf: func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) },
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if !regexp.MustCompile(want).MatchString(strings.Join(said, "\n")) {
			t.Errorf("with a patience of %s it said %q, want %q", patience, said, want)
		}
	}
}

func TestCanceled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, way := range []string{"", "container", "installed", "embedded"} {
		_, err := Start(ctx, Options{Getenv: env(EnvWay+"="+way, noImage, noMaven)})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("way %q: %v, want context.Canceled", way, err)
		}
	}
}

func TestServerOutlivesItsHandle(t *testing.T) {
	t.Parallel()
	sharedServer(t)
	dsn := func() string {
		s, err := Start(t.Context(), Options{Getenv: env(EnvWay + "=installed")})
		if err != nil {
			t.Fatal(err)
		}
		return s.DSN()
	}()
	t.Cleanup(func() {
		held.Range(func(s, _ any) bool {
			if s.(*Server).DSN() == dsn {
				_ = s.(*Server).Close()
			}
			return true
		})
	})
	for range 2 {
		collected := make(chan struct{})
		runtime.AddCleanup(new([64]byte), func(done chan struct{}) { close(done) }, collected)
		runtime.GC()
		<-collected
	}
	for range 20 {
		if !alive(t, dsn) {
			t.Fatal("the server went with the last reference to it")
		}
		time.Sleep(10 * time.Millisecond)
	}
}
