//go:build !unix

package pgserver

const childMode = "PGSERVER_TEST_CHILD"

func child(string) {}
