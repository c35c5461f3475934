# shellcheck shell=bash
# Sourced by ./lib.sh: runs of go test, and a look at what they skipped.

# Tests of query plans depend on the server's version alone: they run once for each.
plan_tests='^(TestPlans|TestListsWalkAnIndex|TestScopedPlans|TestSignInUsesIndexes)$'

# tests COMMAND...: runs a go test command and prints its own lines and what fails. GOFLAGS adds -v to it, so that
# passed and skipped tests are known.
tests() {
	GOFLAGS="${GOFLAGS:-} -v" "$@" 2>&1 |
		awk -v passed="$work/passed" -v skipped="$work/skipped" -v results="$work/results" -f .ci/tests.awk
}

# A test may be skipped in one step if it passes in another. Subtests count with their test.
check_skipped_tests() {
	local never
	touch "$work/passed" "$work/skipped"
	never=$(sort -u "$work/skipped" | comm -23 - <(sort -u "$work/passed"))
	if [[ -n $never ]]; then
		skip "skipped in every step: "$'\n'"$never"
	fi
}
