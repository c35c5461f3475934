package faults_test

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

func TestMain(m *testing.M) {
	zerolog.SetGlobalLevel(zerolog.Disabled) // toxiproxy's

	_ = flag.Set("test.parallel", "4") // since tests sleep more than they work, with two servers or three each

	code := bizydbtest.Run(m)
	if code == 0 {
		// toxiproxy does not always end what has sent nothing since its connection was closed.
		if err := goleak.Find(
			goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/toxics.(*ToxicStub).Run"),
			goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*ToxicLink).read"),
			goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*ToxicLink).write"),
		); err != nil {
			fmt.Println(err)
			code = 1
		}
	}
	os.Exit(code)
}
