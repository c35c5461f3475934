// Package mail sends mails.
package mail

import (
	"context"
	"fmt"
	"io"
)

// A Message is a mail of plain text.
type Message struct{ To, Subject, Body string }

// A Sender sends mails.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// Print writes mails instead of sending them. It is for development: their links let whoever reads them in.
type Print struct{ To io.Writer }

// Send implements Sender.
func (p Print) Send(_ context.Context, m Message) error {
	_, err := fmt.Fprintf(p.To, "--- mail to %s: %s\n%s---\n", m.To, m.Subject, m.Body)
	return err
}
