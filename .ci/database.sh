# shellcheck shell=bash
# Sourced by ./run: a throw-away PostgreSQL from the binaries installed on the machine.

database_bin=""

# Starts it and sets DATABASE_URL. It listens on nothing but a socket in our own folder.
database_start() {
	find_database_bin
	mkdir -p "$work/database"
	if is_root; then chown "$nobody" "$work/database"; fi
	quietly unprivileged "$database_bin/initdb" --pgdata="$work/database/data" \
		--username=postgres --auth=trust --encoding=UTF8 --locale=C --no-sync
	quietly unprivileged "$database_bin/pg_ctl" start --wait --pgdata="$work/database/data" \
		--log="$work/database/log" --options="-F -c max_connections=300 -c listen_addresses= -k $work/database"
	export DATABASE_URL="postgres:///postgres?host=$work/database&user=postgres"
	"$database_bin/postgres" --version
}

database_stop() {
	if [[ ! -f $work/database/data/postmaster.pid ]]; then return; fi
	unprivileged "$database_bin/pg_ctl" stop --mode=immediate --pgdata="$work/database/data" >/dev/null || true
	rm -rf "$work/database"
	unset DATABASE_URL
}

# Everything in the cluster but the rows, roles too. pg_dump writes a random key; it is dropped.
database_catalog() {
	"$database_bin/pg_dumpall" --schema-only --dbname="$DATABASE_URL" | sed '/^\\\(un\)\{0,1\}restrict /d'
}

# The oldest of Debian's, because that is the oldest version we support; else what PATH has.
find_database_bin() {
	local bin
	for bin in /usr/lib/postgresql/*/bin "$(dirname "$(command -v initdb || echo /nowhere/initdb)")"; do
		if [[ -x $bin/initdb ]]; then
			database_bin=$bin
			return
		fi
	done
	install_for initdb postgresql
	database_bin=$(echo /usr/lib/postgresql/*/bin)
}
