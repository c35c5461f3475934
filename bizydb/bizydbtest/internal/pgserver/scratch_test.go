package pgserver

import (
	"context"
	"os"
	"testing"
	"time"
)

func TestScratch(t *testing.T) {
	t0 := time.Now()
	s, err := Start(context.Background(), Options{Logf: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(time.Since(t0), s.How(), s.DSN())
	if os.Getenv("HOLD") != "" {
		time.Sleep(time.Hour)
	}
	t0 = time.Now()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	t.Log(time.Since(t0))
}
