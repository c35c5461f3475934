# shellcheck shell=bash
# Sourced by ./run: progress, logs, skips and packages.

steps_log=$work/steps.log # output of quiet commands, one after the other
current_step="getting ready"
skipped=""

clock() { printf '%d:%02d' $((SECONDS / 60)) $((SECONDS % 60)); }

step() {
	current_step=$1
	printf '\n== %s  %s\n' "$(clock)" "$current_step"
}

# Runs a command whose output only matters when it fails.
quietly() {
	if ! "$@" >"$steps_log" 2>&1 </dev/null; then
		echo "failed: $*"
		tail -n 40 "$steps_log"
		return 1
	fi
}

# On a developer's machine a part that can't run is left out, and said so. CI leaves nothing out.
skip() {
	if [[ ${CI:-} == true ]]; then
		echo "CI can't go on: $1"
		exit 1
	fi
	echo "SKIPPED: $1"
	skipped+="  SKIPPED: $1"$'\n'
}

is_root() { [[ $(id -u) -eq 0 ]]; }

# install COMMAND PACKAGE...: Debian packages, unless the command is there already.
install_for() {
	if command -v "$1" >/dev/null; then return; fi
	if ! is_root || ! command -v apt-get >/dev/null; then
		echo "$1 is missing and can't be installed: not root on a Debian machine"
		return 1
	fi
	update_package_lists
	quietly env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
		-o DPkg::Lock::Timeout=120 "${@:2}"
}

# Once per run. A source that can't be reached is no failure: whether what we need is
# to be had, the install tells.
update_package_lists() {
	if [[ -n ${package_lists_updated:-} ]]; then return; fi
	apt-get update >"$steps_log" 2>&1 || tail -n 5 "$steps_log"
	package_lists_updated=yes
}
