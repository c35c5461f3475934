package mail

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/mail"
	"strings"
	"testing"
	"time"
)

// serve answers one client, line by line, until answer returns "".
func serve(t *testing.T, answer func(line string) string) (url string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		t.Cleanup(func() { _ = conn.Close() })
		lines := bufio.NewScanner(conn)
		for line := ""; ; line = lines.Text() {
			said := answer(line)
			if said == "" {
				return
			}
			if said != "nothing" {
				_, _ = conn.Write([]byte(said + "\r\n"))
			}
			if !lines.Scan() {
				return
			}
		}
	}()
	return "smtp://" + listener.Addr().String()
}

func TestSend(t *testing.T) {
	t.Parallel()
	got := make(chan string, 1)
	var envelope, text strings.Builder
	inData := false
	url := serve(t, func(line string) string {
		switch {
		case line == "":
			if inData {
				text.WriteString("\r\n")
				return "nothing"
			}
			return "220 here"
		case inData && line == ".":
			inData = false
			got <- envelope.String() + text.String()
			return "250 taken"
		case inData:
			text.WriteString(line + "\r\n")
			return "nothing"
		case line == "DATA":
			inData = true
			return "354 go on"
		default:
			envelope.WriteString(line + "\n")
			return "250 ok"
		}
	})
	s, err := NewSMTP(url, "Bizy <no-reply@example.org>")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send(t.Context(), Message{"ada@example.org", "Grüße", "one\ntwo\n"}); err != nil {
		t.Fatal(err)
	}
	sent := <-got
	if !strings.Contains(sent, "MAIL FROM:<no-reply@example.org>") || !strings.Contains(sent, "RCPT TO:<ada@example.org>") {
		t.Errorf("envelope of %s", sent)
	}
	read, err := mail.ReadMessage(strings.NewReader(sent[strings.Index(sent, "From:"):]))
	if err != nil {
		t.Fatal(err)
	}
	for header, want := range map[string]string{"From": `"Bizy" <no-reply@example.org>`, "To": "<ada@example.org>", "Subject": "=?utf-8?q?Gr=C3=BC=C3=9Fe?="} {
		if read.Header.Get(header) != want {
			t.Errorf("%s: %s", header, read.Header.Get(header))
		}
	}
	if id := read.Header.Get("Message-ID"); !strings.HasSuffix(id, "@example.org>") {
		t.Errorf("Message-ID %q", id)
	}
}

// A server that takes the connection, or the mail, and says no more holds no job for long, nor the end of the process.
func TestServerThatHangs(t *testing.T) {
	t.Parallel()
	for name, when := range map[string]string{"at once": "", "later": "MAIL"} {
		url := serve(t, func(line string) string {
			switch {
			case strings.HasPrefix(line, when):
				return "nothing"
			case line == "":
				return "220 here"
			default:
				return "250 ok"
			}
		})
		s, err := NewSMTP(url, "no-reply@example.org")
		if err != nil {
			t.Fatal(err)
		}
		s.timeout = 100 * time.Millisecond
		began := time.Now()
		if err := s.Send(t.Context(), Message{To: "ada@example.org"}); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > time.Minute {
			t.Errorf("%s: %v after %v", name, err, time.Since(began))
		}
		s.timeout = time.Hour
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if err := s.Send(ctx, Message{To: "ada@example.org"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
