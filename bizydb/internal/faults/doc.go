// Package faults has no code but tests: what is left of writes that were acknowledged, refused or never answered when networks,
// server processes, servers and disks fail. docs/reliability.md has what they found.
package faults
