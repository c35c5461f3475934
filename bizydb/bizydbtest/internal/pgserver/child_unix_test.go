//go:build unix

package pgserver

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"
)

// childMode, in the environment, makes the test binary start a server and end
// in the way that its value says.
const childMode = "PGSERVER_TEST_CHILD"

// child starts a server by the real environment, prints its DSN and its data
// directory, and waits for a line to end.
func child(mode string) {
	interrupt := make(chan os.Signal, 1)
	if mode == "interrupt" {
		signal.Notify(interrupt, os.Interrupt)
	}
	ctx := context.Background()
	s, err := Start(ctx, Options{})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	// A server that is shared by a package's tests must not look like a leak of one of them.
	if err := goleak.Find(goleak.IgnoreAnyFunction("os/signal.loop")); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	conn, err := pgx.Connect(ctx, s.DSN())
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	var dir string
	_ = conn.QueryRow(ctx, "SHOW data_directory").Scan(&dir)
	fmt.Printf("%s\n%s\n", s.DSN(), dir)

	if mode == "interrupt" {
		<-interrupt
		// The server must not have got the signal too.
		if err := conn.Ping(ctx); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		_ = conn.Close(ctx)
		if err := s.Close(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	switch mode {
	case "exit":
		os.Exit(0)
	case "close":
		_ = conn.Close(ctx)
		if err := s.Close(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
}
