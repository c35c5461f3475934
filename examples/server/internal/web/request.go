package web

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/bizy-ai/bizydb/bizydb"
)

// Allowed are the methods for which a mux has a route of a path, as the header Allow lists them, or "".
func Allowed(mux *http.ServeMux, r *http.Request, path string) string {
	var found []string
	try := *r
	try.URL = &url.URL{Path: path}
	for _, try.Method = range []string{"DELETE", "GET", "PATCH", "POST", "PUT"} {
		if _, pattern := mux.Handler(&try); pattern != "" {
			found = append(found, try.Method)
		}
	}
	return strings.Join(found, ", ")
}

// Address is the address of the network that a request came from. See [ClientAddress].
func Address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil { // as a proxy writes it
		return r.RemoteAddr
	}
	return host
}

// IsBusy reports whether an error says that a request, sent again, may well succeed.
func IsBusy(err error) bool {
	return slices.ContainsFunc([]error{bizydb.ErrContention, bizydb.ErrPoolExhausted, bizydb.ErrUnavailable, bizydb.ErrConnect},
		func(busy error) bool { return errors.Is(err, busy) })
}
