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

# Runs a command as someone who just cloned the project: in a copy that is theirs, with a home and an environment of
# their own. The modules are lent read-only. Their build cache is kept for the next run, and Go finds what it has built
# only where paths are the same: hence the fixed folder, which is this in a mount namespace of our own.
as_newcomer() {
	local home=$work/newcomer cache=${XDG_CACHE_HOME:-$HOME/.cache}/bizydb-ci/newcomer
	if [[ ! -d $home ]]; then
		install --directory --mode=700 --owner="$nobody" "$home" "$home/bizydb" "$home/modules" "$home/cache"
		git ls-files -z | tar --null --files-from=- -c | tar -C "$home/bizydb" -x
		chown -R "$nobody" "$home/bizydb"
	fi
	if [[ ! -d $cache ]]; then
		mkdir -p "$(dirname "$cache")"
		install --directory --mode=700 --owner="$nobody" "$cache"
		new_machine "everything was built once more, as an ordinary user"
	fi
	# shellcheck disable=SC2016 # $1 and so on are the inner shell's
	unshare --mount bash -c '
		mount --bind "$3" "$2/cache" && mount --bind "$1" "$2/modules" && mount -o remount,bind,ro "$2/modules" &&
			mount --rbind "$2" /mnt || exit
		cd /mnt/bizydb && exec "${@:4}"' - "$(go env GOMODCACHE)" "$home" "$cache" \
		setpriv --reuid="$nobody" --regid="$(id -g "$nobody")" --clear-groups \
		env -i HOME=/mnt PATH="$(go env GOROOT)/bin:/usr/local/bin:/usr/bin:/bin" GOFLAGS="${GOFLAGS:-}" \
		GOCACHE=/mnt/cache GOMODCACHE=/mnt/modules GOPROXY=off GOTOOLCHAIN=local "$@"
}
