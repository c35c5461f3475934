# shellcheck shell=bash
# Sourced by ./run: PgBouncer in transaction mode, between the tests and a throw-away PostgreSQL.

pgbouncer_container=""

# pgbouncer_start [IMAGE]: starts both and sets BIZYDBTEST_DATABASE_URL. Debian 12's PgBouncer runs as it is installed, and
# connections are told that it does not know prepared statements. That of an image does.
pgbouncer_start() {
	local dir=$work/pgbouncer port=$((20000 + RANDOM % 10000)) url
	url="postgres://postgres:postgres@127.0.0.1:$port/postgres?sslmode=disable"
	database_start
	unset DATABASE_URL # it would lead tests past PgBouncer
	pgbouncer_config "$dir" "$port"
	if [[ -n ${1:-} ]]; then
		echo "max_prepared_statements = 200" >>"$dir/pgbouncer.ini"
		pgbouncer_container=$(docker run --detach --rm --network host --user "$(id -u "$nobody")" \
			--volume "$dir:$dir" --volume "$work/database:$work/database" "$1" pgbouncer "$dir/pgbouncer.ini")
	else
		install_for pgbouncer pgbouncer
		pgbouncer --version
		quietly unprivileged pgbouncer --daemon "$dir/pgbouncer.ini"
		url+="&default_query_exec_mode=exec"
	fi
	local deadline=$((SECONDS + 30))
	until "$database_bin/pg_isready" --quiet --host=127.0.0.1 --port="$port"; do
		if ((SECONDS > deadline)); then
			echo "PgBouncer did not start:"
			tail -n 30 "$dir/log"
			return 1
		fi
		sleep 0.2
	done
	export BIZYDBTEST_DATABASE_URL=$url
}

pgbouncer_stop() {
	unset BIZYDBTEST_DATABASE_URL
	if [[ -n $pgbouncer_container ]]; then
		docker rm --force "$pgbouncer_container" >/dev/null
		pgbouncer_container=""
	elif [[ -f $work/pgbouncer/pid ]]; then
		stop_process "$(<"$work/pgbouncer/pid")" 10
	fi
	rm -rf "$work/pgbouncer" # the number in it may be a container's, or another process's by now
	database_stop
}

# PgBouncer gets the passwords of the logins that tests make from the server, checks them itself, and logs in by the socket,
# which trusts it. Whoever makes databases and migrates them needs a session.
pgbouncer_config() {
	mkdir -p "$1"
	echo '"postgres" "postgres"' >"$1/users"
	cat >"$1/pgbouncer.ini" <<-EOT
		[databases]
		* = host=$work/database
		[users]
		postgres = pool_mode=session
		[pgbouncer]
		listen_addr = 127.0.0.1
		listen_port = $2
		unix_socket_dir =
		pidfile = $1/pid
		logfile = $1/log
		auth_type = scram-sha-256
		auth_file = $1/users
		auth_user = postgres
		pool_mode = transaction
		max_client_conn = 1000
		default_pool_size = 50
		server_idle_timeout = 2
		server_login_retry = 1
		query_wait_timeout = 10
		log_connections = 0
		log_disconnections = 0
		ignore_startup_parameters = synchronous_commit
	EOT
	if is_root; then chown -R "$nobody" "$1"; fi
}
