// Package mail sends mails.
package mail

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/mail"
	"net/smtp"
	"net/url"
	"strings"
	"time"
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

// SMTP sends mails by a server, with TLS if the server has it.
type SMTP struct {
	address, host, from string
	auth                smtp.Auth
}

// NewSMTP takes a URL such as smtp://user:password@host:587.
func NewSMTP(rawURL, from string) (*SMTP, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Scheme != "smtp" || u.Port() == "" {
		return nil, fmt.Errorf("not like smtp://user:password@host:587") // without the password
	}
	if _, err := mail.ParseAddress(from); err != nil {
		return nil, fmt.Errorf("the sender's address: %w", err)
	}
	s := &SMTP{address: u.Host, host: u.Hostname(), from: from}
	if password, ok := u.User.Password(); ok {
		s.auth = smtp.PlainAuth("", u.User.Username(), password, s.host)
	}
	return s, nil
}

// Send implements Sender.
func (s *SMTP) Send(_ context.Context, m Message) error {
	var b strings.Builder
	fmt.Fprintf(&b, "From: %s\r\nTo: <%s>\r\nSubject: %s\r\nDate: %s\r\n", s.from, m.To, mime.QEncoding.Encode("utf-8", m.Subject), time.Now().Format(time.RFC1123Z))
	b.WriteString("MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n")
	b.WriteString(strings.ReplaceAll(m.Body, "\n", "\r\n"))
	return smtp.SendMail(s.address, s.auth, s.from, []string{m.To}, []byte(b.String()))
}
