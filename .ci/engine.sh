# shellcheck shell=bash
# Sourced by ./run: a Docker engine and the images to test in. What is called as a
# condition runs without "set -e", hence each "|| return" here.

engine_pid=""

engine_answers() { timeout 10 docker info >/dev/null 2>&1; }

# Takes the engine that is there, else starts one. The images stay in Docker's usual
# place, so the next run on the same machine has them; all else is this run's own, so
# that nothing left by a crash (a stale pid file above all) is in the way.
engine_start() {
	if engine_answers; then return; fi
	if ! is_root; then
		echo "no Docker engine answers, and only root can start one"
		return 1
	fi
	install_for dockerd docker.io iptables || return
	export DOCKER_HOST=unix://$work/docker.sock
	# In a mount namespace of its own, so that its mounts end with it; out of reach of the
	# terminal's Ctrl-C, so that tests can still end their containers; and told to stop if
	# this shell is killed outright.
	unshare --mount setsid setpriv --pdeathsig=TERM dockerd --host="$DOCKER_HOST" --pidfile="$work/docker.pid" \
		--exec-root="$work/docker" >"$work/dockerd.log" 2>&1 </dev/null &
	engine_pid=$!
	# Left to itself testcontainers-go guesses: "localhost", which may mean IPv6, where the
	# engine can map another port, or a gateway if it takes this machine for a container.
	export TESTCONTAINERS_HOST_OVERRIDE=127.0.0.1
	local deadline=$((SECONDS + 90))
	until engine_answers; do
		if ! kill -0 "$engine_pid" 2>/dev/null || ((SECONDS > deadline)); then
			echo "dockerd did not start:"
			tail -n 30 "$work/dockerd.log"
			return 1
		fi
		sleep 0.5
	done
	echo "started a Docker engine, process $engine_pid"
}

# Stops the engine if this run started it. It stops its containers itself.
engine_stop() {
	if [[ -z $engine_pid ]]; then return; fi
	stop_process "$engine_pid" 40
	engine_pid=""
	unset DOCKER_HOST TESTCONTAINERS_HOST_OVERRIDE
}

# stop_process PID SECONDS: asks, waits that long, then insists.
stop_process() {
	kill "$1" 2>/dev/null || return 0
	local deadline=$((SECONDS + $2))
	while kill -0 "$1" 2>/dev/null; do
		if ((SECONDS > deadline)); then
			echo "process $1 did not stop in $2 s: killed"
			kill -KILL "$1"
			break
		fi
		sleep 0.2
	done
	wait "$1" 2>/dev/null || true
}

# image_ready VERSION SUITE: the image is there, built now from that Debian suite if need be.
# One without our label is the developer's own under that name, and used as it is.
image_ready() {
	local image=bizydb/postgres:$1 recipe label
	recipe=$(cat .ci/image/* | sha256sum | cut -c 1-12)
	if label=$(docker image inspect --format '{{index .Config.Labels "bizydb.recipe"}}' "$image" 2>/dev/null) &&
		[[ -z $label || $label == "$recipe" ]]; then
		echo "$image is there already"
		return
	fi
	if ! is_root; then
		echo "$image is missing, and only root can build it (or: docker tag postgres:$1 $image)"
		return 1
	fi
	local start=$SECONDS mirror
	install_for debootstrap debootstrap debian-archive-keyring || return
	mirror=$(debian_mirror) || return
	quietly .ci/image/build "$image" "$1" "$2" "$mirror" "$recipe" || return
	new_machine "$image was built in $((SECONDS - start)) s"
}

# The mirror that this machine's apt itself takes Debian's packages from.
debian_mirror() {
	update_package_lists
	local mirror
	# shellcheck disable=SC2016 # apt's own placeholder
	mirror=$(apt-get indextargets --format '$(REPO_URI)' \
		'Origin: Debian' 'Label: Debian' 'Created-By: Packages' | head -n 1)
	if [[ -z $mirror ]]; then
		echo "apt knows no Debian mirror here" >&2
		return 1
	fi
	echo "$mirror"
}
