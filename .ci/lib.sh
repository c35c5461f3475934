# shellcheck shell=bash
# Sourced by ./run and ./long: set-up and clean-up, progress, skips and packages.

# Whoever runs this may have a database of their own in the environment. We never touch it.
for name in DATABASE_URL "${!PG@}" "${!BIZYDBTEST@}"; do unset "$name"; done

work=$(mktemp -d "${TMPDIR:-/tmp}/bizydb-ci.XXXXXX")
chmod 711 "$work" # the unprivileged account must reach its part of it

steps_log=$work/steps.log # output of quiet commands, one after the other
current_step="getting ready"
step_start=0
step_times=""
skipped=""

source .ci/tests.sh
source .ci/user.sh
source .ci/database.sh
source .ci/engine.sh
source .ci/pgbouncer.sh

finish() {
	local status=$?
	trap - EXIT
	set +e # whatever can be cleaned up is
	pgbouncer_stop
	engine_stop
	if [[ $status -ne 0 ]]; then
		end_step
		print_step_times
		printf '\nFAILED after %s, in: %s\n' "$(clock)" "$current_step"
	fi
	chmod -R u+w "$work" # Go makes its caches read-only
	rm -rf --one-file-system "$work"
	exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

clock() { printf '%d:%02d' $((${1:-$SECONDS} / 60)) $((${1:-$SECONDS} % 60)); }

step() {
	end_step
	current_step=$1
	step_start=$SECONDS
	printf '\n== %s  %s\n' "$(clock)" "$current_step"
}

end_step() {
	step_times+="$((SECONDS - step_start)) $current_step"$'\n'
}

print_step_times() {
	printf '\n%7s  %s\n' "$(clock)" "all steps, the longest first"
	local seconds name
	while read -r seconds name; do
		printf '%7s  %s\n' "$(clock "$seconds")" "$name"
	done < <(printf '%s' "$step_times" | sort --numeric-sort --reverse)
}

# new_machine WHAT: something had to be installed or built first. A file, since parts of a pipeline are subshells.
new_machine() { echo "$1" >>"$work/new_machine"; }

# time_limit WARM NEW: minutes allowed for the whole run, on a machine that has what it needs and on a new one.
time_limit() {
	local limit=$1
	if [[ -f $work/new_machine ]]; then
		limit=$2
		sed '1i This machine was new to the project:' "$work/new_machine"
	fi
	if ((SECONDS > limit * 60)); then
		printf 'The checks took %s and may take %d minutes: move what is long to .ci/long.\n' "$(clock)" "$limit"
		return 1
	fi
}

# Runs a command whose output only matters when it fails.
quietly() {
	if ! "$@" >"$steps_log" 2>&1 </dev/null; then
		echo "failed: $*"
		tail -n 40 "$steps_log"
		return 1
	fi
}

# skip WHAT: on a developer's machine a part that can't run is left out, and said so. CI leaves nothing out.
skip() {
	if [[ ${CI:-} == true ]]; then
		echo "CI can't go on: $1"
		exit 1
	fi
	echo "SKIPPED: $1"
	skipped+="  SKIPPED: $1"$'\n'
}

is_root() { [[ $(id -u) -eq 0 ]]; }

tool() { go tool -modfile=tools/go.mod "$@"; }

# Go keeps the built tools in its build cache, so only the first run on a machine builds them.
build_tools() {
	local name start=$SECONDS
	for name in gofumpt staticcheck sqlc tern actionlint; do
		quietly go tool -modfile=tools/go.mod -n "$name"
	done
	if ((SECONDS - start > 60)); then new_machine "the tools were built"; fi
	echo "$(go version); $(tool sqlc version | sed 's/^/sqlc /'); $(tool tern version)"
}

# install_for COMMAND PACKAGE...: Debian packages, unless the command is there already.
install_for() {
	if command -v "$1" >/dev/null; then return; fi
	if ! is_root || ! command -v apt-get >/dev/null; then
		echo "$1 is missing and can't be installed: not root on a Debian machine"
		return 1
	fi
	update_package_lists
	quietly env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
		-o DPkg::Lock::Timeout=120 "${@:2}" || return
	new_machine "installed: ${*:2}"
}

# Once per run. A source that can't be reached is no failure: the install tells what is
# missing.
update_package_lists() {
	if [[ -n ${package_lists_updated:-} ]]; then return; fi
	apt-get update >"$steps_log" 2>&1 || tail -n 5 "$steps_log"
	package_lists_updated=yes
}
