// Command bench measures bizydb against what one would use instead, side by side on one server with the same data.
//
//	go generate ./...   ent's and sqlc's code, which is not committed
//	go run .            the comparison with other libraries
//	go run . growth     bizydb alone, in databases of up to ten million tasks
//	go run . http       examples/server over HTTP, beside the same routes on plain pgx
//	go run . pages      writes the pages anew, from the results
//
// Each of the first three stores its results in results/ and writes the pages anew: docs/performance.md and the figures that
// the README quotes. To try it, without touching either:
//
//	go run . -quick -out /tmp/bench
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	log.SetFlags(log.Ltime)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		log.Fatal(err)
	}
}

func command(ctx context.Context, args []string) error {
	if os.Getenv(plainVariable) != "" {
		return servePlain(ctx, os.Getenv("LISTEN"))
	}
	name := ""
	if len(args) > 0 {
		name = args[0]
	}
	switch name {
	case "growth":
		o, err := parseGrowth(args[1:])
		if err != nil {
			return err
		}
		return runGrowth(ctx, o, log.Printf)
	case "http":
		o, err := parseHTTP(args[1:])
		if err != nil {
			return err
		}
		return runHTTP(ctx, o, log.Printf)
	case "pages":
		return output{}.writePages()
	default:
		o, err := parseCompare(args)
		if err != nil {
			return err
		}
		return runCompare(ctx, o, log.Printf)
	}
}
