package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"example.com/server/internal/auth"
	"example.com/server/internal/mail"
)

const minSecret = 32 // characters

// A config is what the environment says.
type config struct {
	databaseURL string   // of the service's login; empty for a server of its own
	ownerURL    string   // of the owner of the tables, who migrates; empty if somebody else does
	listen      []string // addresses
	origins     []string // whose pages may call the service
	publicURL   string   // where links in mails lead to
	tokens      *auth.Tokens
	sender      mail.Sender
	verified    bool          // sign-ins need a verified address
	drain       time.Duration // from not ready to not listening
	tracing     bool

	addressHeader string // in which a proxy writes the client's address; empty without one
}

// readConfig reads the environment. Its errors have no value of a secret in them.
func readConfig(getenv func(string) string, out io.Writer) (config, error) {
	or := func(name, otherwise string) string {
		if v := getenv(name); v != "" {
			return v
		}
		return otherwise
	}
	c := config{
		databaseURL:   getenv("DATABASE_URL"),
		ownerURL:      getenv("OWNER_DATABASE_URL"),
		listen:        strings.Split(or("LISTEN", "127.0.0.1:8000"), ","),
		origins:       strings.Split(or("ALLOWED_ORIGINS", "http://localhost:3000"), ","),
		addressHeader: getenv("CLIENT_ADDRESS_HEADER"),
		sender:        mail.Print{To: out},
		tracing:       getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "",
	}
	c.publicURL = or("PUBLIC_URL", "http://"+c.listen[0])
	for i := range c.origins {
		c.origins[i] = strings.TrimSpace(c.origins[i])
	}

	secret := getenv("JWT_SECRET")
	switch {
	case secret == "" && c.databaseURL == "":
		secret = rand.Text() + rand.Text() // as short-lived as the database
	case len([]rune(secret)) < minSecret:
		return c, fmt.Errorf("JWT_SECRET must have at least %d characters", minSecret)
	}
	lifetime, err := time.ParseDuration(or("JWT_LIFETIME", "24h"))
	if err != nil {
		return c, fmt.Errorf("JWT_LIFETIME: %w", err)
	}
	if c.tokens, err = auth.NewTokens([]byte(secret), or("JWT_ALGORITHM", "HS256"), lifetime); err != nil {
		return c, fmt.Errorf("JWT_ALGORITHM: %w", err)
	}
	if c.drain, err = time.ParseDuration(or("SHUTDOWN_DELAY", "0s")); err != nil {
		return c, fmt.Errorf("SHUTDOWN_DELAY: %w", err)
	}
	if url := getenv("SMTP_URL"); url != "" {
		if c.sender, err = mail.NewSMTP(url, getenv("MAIL_FROM")); err != nil {
			return c, fmt.Errorf("SMTP_URL, MAIL_FROM: %w", err)
		}
		c.verified = true
	}
	switch getenv("EMAIL_VERIFICATION") {
	case "":
	case "required":
		c.verified = true
	case "optional":
		c.verified = false
	default:
		return c, errors.New("EMAIL_VERIFICATION must be required or optional")
	}
	return c, nil
}
