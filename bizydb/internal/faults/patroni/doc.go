// Package patroni has no code but a test: docs/high-availability.md as it stands, on one machine, while the leader is killed.
package patroni
