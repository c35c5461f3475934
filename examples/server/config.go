package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
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
	standbys    []string // of the same database, for reads
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
		if v := strings.TrimSpace(getenv(name)); v != "" {
			return v
		}
		return otherwise
	}
	c := config{
		databaseURL:   or("DATABASE_URL", ""),
		ownerURL:      or("OWNER_DATABASE_URL", ""),
		standbys:      list(or("STANDBY_URLS", "")),
		listen:        list(or("LISTEN", "127.0.0.1:8000")),
		origins:       list(or("ALLOWED_ORIGINS", "http://localhost:3000")),
		addressHeader: or("CLIENT_ADDRESS_HEADER", ""),
		sender:        mail.Print{To: out},
		tracing:       or("OTEL_EXPORTER_OTLP_ENDPOINT", "") != "",
	}
	if len(c.standbys) > 0 && c.databaseURL == "" {
		return c, errors.New("STANDBY_URLS needs DATABASE_URL: a database of its own has no standbys")
	}
	if len(c.listen) == 0 {
		return c, errors.New("LISTEN has no address")
	}
	c.publicURL = strings.TrimRight(or("PUBLIC_URL", "http://"+c.listen[0]), "/")
	if u, err := url.Parse(c.publicURL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return c, errors.New("PUBLIC_URL must be like https://planner.example.org")
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
	if smtp := or("SMTP_URL", ""); smtp != "" {
		if c.sender, err = mail.NewSMTP(smtp, or("MAIL_FROM", "")); err != nil {
			return c, fmt.Errorf("SMTP_URL, MAIL_FROM: %w", err)
		}
		if or("PUBLIC_URL", "") == "" {
			return c, errors.New("SMTP_URL needs PUBLIC_URL: links in mails lead there")
		}
		c.verified = true
	}
	switch or("EMAIL_VERIFICATION", "") {
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

// list splits at commas, and drops white space and what is empty.
func list(text string) []string {
	all := strings.Split(text, ",")
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return slices.DeleteFunc(all, func(one string) bool { return one == "" })
}
