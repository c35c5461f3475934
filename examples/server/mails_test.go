package main

import (
	"context"
	"net/url"
	"regexp"
	"sync"
	"testing"
	"time"

	"example.com/server/internal/mail"
)

// mails keeps mails instead of sending them.
type mails struct {
	mu   sync.Mutex
	sent []mail.Message
}

func (m *mails) Send(_ context.Context, one mail.Message) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sent = append(m.sent, one)
	return nil
}

// next waits for the nth mail.
func (m *mails) next(t *testing.T, n int) mail.Message {
	t.Helper()
	for range 3000 {
		m.mu.Lock()
		if len(m.sent) >= n {
			defer m.mu.Unlock()
			return m.sent[n-1]
		}
		m.mu.Unlock()
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("no mail")
	return mail.Message{}
}

var linkForm = regexp.MustCompile(`http\S+`)

// link is the link in a mail.
func link(t *testing.T, m mail.Message) *url.URL {
	t.Helper()
	u, err := url.Parse(linkForm.FindString(m.Body))
	if err != nil || u.Path == "" {
		t.Fatalf("no link in %q: %v", m.Body, err)
	}
	return u
}
