# shellcheck shell=bash
# Sourced by ./run: commands as an account without rights, when we ourselves are root.

nobody=nobody

# PostgreSQL's server programs refuse to run as root.
unprivileged() {
	if ! is_root; then
		"$@"
		return
	fi
	(cd / && setpriv --reuid="$nobody" --regid="$(id -g "$nobody")" --clear-groups "$@")
}

# Runs a command as someone who just cloned the project: in a copy that is theirs, with a
# home, a build cache and an environment of their own. Only the modules are lent, read-only
# and at a path they can reach, because downloading all of them again proves nothing.
as_newcomer() {
	local home=$work/newcomer
	if [[ ! -d $home ]]; then
		mkdir -p "$home/bizydb" "$home/modules"
		git ls-files -z --cached --others --exclude-standard |
			tar --null --files-from=- --ignore-failed-read -c | tar -C "$home/bizydb" -x
		chown -R "$nobody" "$home"
	fi
	# shellcheck disable=SC2016 # $1 and $2 are the inner shell's
	unshare --mount bash -c '
		mount --bind "$1" "$2/modules" && mount -o remount,bind,ro "$2/modules" || exit
		cd "$2/bizydb" && exec "${@:3}"' - "$(go env GOMODCACHE)" "$home" \
		setpriv --reuid="$nobody" --regid="$(id -g "$nobody")" --clear-groups \
		env -i HOME="$home" PATH="$(go env GOROOT)/bin:/usr/local/bin:/usr/bin:/bin" \
		GOMODCACHE="$home/modules" GOPROXY=off GOTOOLCHAIN=local "$@"
}
