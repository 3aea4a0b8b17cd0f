# shellcheck shell=bash
# lib.sh - what the scripts beside it share; source it, don't run it.
#
#     . "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
#     need_postgres           # Debian packages, only those that are missing
#     make_private_server     # copy PostgreSQL and the checkout, build, initdb
#     start_server            # as an unprivileged user, on a private socket
#     as_user psql -c 'CREATE EXTENSION spsa'
#
# Everything happens below one temporary directory and is gone when the script
# ends, however it ends; with KEEP=1 in the environment it stays, server and
# all, and the script says how to remove it.  Neither the system's PostgreSQL
# nor its clusters are touched: what is installed goes into a copy.
#
# Variables a script may read:
#
#   ROOT      the checkout                                  (always)
#   PG_MAJOR  PostgreSQL's major version                    (need_postgres)
#   WORK      the temporary directory                       (make_work)
#   PGBIN     the private copy's programs                   (copy_postgres)
#   SRC       the copy of the checkout, where it is built   (copy_checkout)
#   PGDATA    the private server's data                     (init_server)
#   PGHOST, PGPORT, PGUSER   how to reach it                (init_server)

set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd -P)
KEEP=${KEEP:-}
WORK='' PGBIN='' SRC='' PGDATA='' PGHOST='' PGUSER=postgres
DROP=()   # the command prefix that gives up root; empty for anybody else
INSTALLING=()  # what install_packages has put somewhere for as long as it runs
GROUP=''  # the process group that in_group waits for
# Servers listen on no network, so the port only names a file in a directory
# of our own and cannot collide.
PGPORT=54329

# say TEXT...: progress, marked so that it stands out from what tools print.
say() { printf '== %s\n' "$*"; }

# die TEXT...: an error that ends the script.
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# makefile_list NAME: the words of a variable of the Makefile.
makefile_list() {
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s -C "$ROOT" --no-print-directory "print-$1"
}

# product_sources: the C files of the extension, below ROOT, tests not.
product_sources() {
	(cd "$ROOT" && find src -path src/test -prune -o -name '*.[ch]' -print | LC_ALL=C sort)
}


# Packages

# as_root COMMAND...: run it as root, by sudo if need be; 1 if there is no way.
as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
		sudo "$@"
	else
		return 1
	fi
}

# apt COMMAND...: apt-get that asks nothing, restarts nothing, and has nothing
# to say unless it fails.
apt() {
	local output status=0
	output=$(as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 \
		apt-get -qq -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@" 2>&1) || status=$?
	[ "$status" -eq 0 ] || printf '%s\n' "$output" >&2
	return "$status"
}

# is_installed PACKAGE
is_installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# is_available PACKAGE: apt knows a version to install.
is_available() { apt-cache show --no-all-versions "$1" >/dev/null 2>&1; }

# need_packages PACKAGE...: install those that are missing.  Installed ones
# are left at their version, so no running service is upgraded on our account.
need_packages() {
	local package missing=() unknown=
	command -v dpkg-query >/dev/null ||
		die "this needs a Debian system, or one that has these by other means: $*"
	for package in "$@"; do
		is_installed "$package" || missing+=("$package")
	done
	[ ${#missing[@]} -gt 0 ] || return 0

	as_root true || die "packages are missing and neither root nor sudo is at hand; run:
    apt-get update && apt-get install --no-install-recommends ${missing[*]}"
	for package in "${missing[@]}"; do
		is_available "$package" || unknown=1
	done
	say "installing ${missing[*]}"
	[ -z "$unknown" ] || apt update
	install_packages "${missing[@]}" && return 0
	# Lists older than the mirror name files that are gone.
	apt update
	install_packages "${missing[@]}" || die "could not install ${missing[*]}"
}

# install_packages PACKAGE...: without letting a PostgreSQL server that comes
# along create and start a cluster, or any other program its service, which
# nobody asked for; nor is such a service started when the machine is.
install_packages() {
	local dir=/etc/postgresql-common conf policy=/usr/sbin/policy-rc.d package status=0
	conf=$dir/createcluster.d/zz-no-main-cluster.conf
	if [ ! -e "$conf" ]; then
		[ -d "$dir" ] || INSTALLING=("$dir")
		[ -d "${conf%/*}" ] || INSTALLING=("${conf%/*}" "${INSTALLING[@]}")
		as_root mkdir -p "${conf%/*}"
		INSTALLING=("$conf" "${INSTALLING[@]}")
		echo 'create_main_cluster = false' | as_root tee "$conf" >/dev/null
	fi
	if [ ! -e "$policy" ]; then
		INSTALLING=("$policy" "${INSTALLING[@]}")
		printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
		as_root chmod +x "$policy"
	fi
	apt install --no-install-recommends "$@" || status=$?
	installed
	for package in "$@"; do
		[ ! -x "/etc/init.d/$package" ] || as_root update-rc.d "$package" disable >/dev/null 2>&1 || true
	done
	return "$status"
}

# installed: remove what install_packages has put there.  What the packages
# keep in these directories stays.
installed() {
	local path
	for path in "${INSTALLING[@]}"; do
		if [ -d "$path" ]; then
			as_root rmdir --ignore-fail-on-non-empty "$path"
		else
			as_root rm -f "$path"
		fi
	done
	INSTALLING=()
}

# need_postgres [PACKAGE...]: what building and testing needs, and the packages
# named.  Sets PG_MAJOR unless the environment did: the newest server that is
# installed, else the distribution's own.
need_postgres() {
	if [ -z "${PG_MAJOR:-}" ]; then
		PG_MAJOR=$(for program in /usr/lib/postgresql/*/bin/postgres; do
			[ ! -x "$program" ] || basename "${program%/bin/postgres}"
		done | sort -n | tail -n 1)
	fi
	if [ -z "$PG_MAJOR" ]; then
		if ! is_available postgresql; then
			as_root true || die "PostgreSQL is missing and neither root nor sudo is at hand; run:
    apt-get update && apt-get install --no-install-recommends postgresql postgresql-server-dev-all"
			apt update
		fi
		PG_MAJOR=$(apt-cache depends postgresql |
			sed -n 's/^ *Depends: postgresql-\([0-9]*\)$/\1/p' | head -n 1)
		[ -n "$PG_MAJOR" ] || die "apt does not say which PostgreSQL it has"
	fi
	need_packages "postgresql-$PG_MAJOR" "postgresql-server-dev-$PG_MAJOR" \
		gcc make libc6-dev libssl-dev libkrb5-dev libipc-run-perl "$@"
}


# The temporary directory, and leaving

# make_work: create WORK, and see to it that it goes away.  PostgreSQL refuses
# to run as root, so root's work is done by (and belongs to) nobody.
make_work() {
	local base
	if [ "$(id -u)" -eq 0 ]; then
		DROP=(setpriv --reuid=nobody --regid="$(id -g nobody)" --clear-groups)
	fi
	for base in "${TMPDIR:-/tmp}" /tmp; do
		base=$(cd "$base" && pwd -P) || continue
		# A socket's path has at most 107 bytes, and TAP tests make theirs
		# some levels down; and the user must be able to get there at all.
		[ ${#base} -le 40 ] || continue
		"${DROP[@]}" test -x "$base" && break
	done
	WORK=$(mktemp -d "$base/spsa.XXXXXX")
	mkdir "$WORK/tmp" "$WORK/socket"
	give_to_user "$WORK"
}

# give_to_user PATH: hand a tree below WORK to whoever as_user is.
give_to_user() { [ ${#DROP[@]} -eq 0 ] || chown -R "nobody:$(id -g nobody)" "$1"; }

# as_user COMMAND...: run it unprivileged, in the copy of the checkout if there
# is one, with the private PostgreSQL first in PATH and its server as libpq's
# default.  The rest of the environment is dropped, so that neither a locale
# nor a make above us changes what happens.
as_user() {
	(
		cd "${SRC:-$WORK}"
		exec "${DROP[@]}" env -i \
			PATH="${PGBIN:+$PGBIN:}/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin" \
			HOME="$WORK" TMPDIR="$WORK/tmp" TERM="${TERM:-dumb}" LC_ALL=C.UTF-8 \
			PGHOST="$PGHOST" PGPORT="$PGPORT" PGUSER="$PGUSER" PGDATABASE=postgres \
			PGTZ=UTC "$@"
	)
}

# in_group COMMAND...: run it (a function is fine) in a process group of its
# own, and wait.  A signal to this script then takes effect at once, not when
# the command is done, and leave() can end all that the command started.
# COMMAND has no standard input.
in_group() {
	local status=0
	set -m
	"$@" </dev/null &
	set +m
	GROUP=$!
	wait "$GROUP" || status=$?
	GROUP=''
	return "$status"
}

# in_work PID: does the process work below WORK?
in_work() {
	case $(readlink "/proc/$1/cwd" 2>/dev/null) in
		"$WORK" | "$WORK"/*) return 0 ;;
		*) return 1 ;;
	esac
}

# work_processes: servers, clients and tests below WORK, whoever started them
# (TAP tests start servers of their own).
work_processes() {
	local dir
	for dir in /proc/[0-9]*; do
		! in_work "${dir#/proc/}" || echo "${dir#/proc/}"
	done
}

# leave: the EXIT trap, set below.  A script that has something to print last of all
# defines a function `closing`.
leave() {
	local status=$?
	trap '' INT TERM HUP
	trap - EXIT
	cd /
	installed
	[ -z "$GROUP" ] || kill -TERM -- "-$GROUP" 2>/dev/null || true
	if [ -n "$KEEP" ] && [ -n "$WORK" ]; then
		say_kept
	elif [ -n "$WORK" ]; then
		remove_work
	fi
	if declare -F closing >/dev/null && ! closing "$status" && [ "$status" -eq 0 ]; then
		status=1
	fi
	exit "$status"
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# remove_work: stop what works below WORK, and remove it.
remove_work() {
	local pid file tries=0
	# First the polite way: a server that is killed leaves shared memory.
	while IFS= read -r file; do
		pid=$(head -n 1 "$file" 2>/dev/null) || continue
		! in_work "$pid" || kill -QUIT "$pid" 2>/dev/null || true
	done < <(find "$WORK" -name postmaster.pid 2>/dev/null)
	while [ -n "$(work_processes)" ] && [ $tries -lt 100 ]; do
		tries=$((tries + 1))
		sleep 0.1
	done
	for pid in $(work_processes); do
		kill -KILL "$pid" 2>/dev/null || true
	done
	rm -rf --one-file-system "$WORK"
}

# say_kept: how to use and how to remove what KEEP=1 leaves.
say_kept() {
	say "kept: $WORK"
	if [ -z "$PGDATA" ] || [ ! -s "$PGDATA/postmaster.pid" ]; then
		say "remove it with: rm -rf $WORK"
		return
	fi
	say "connect with: $PGBIN/psql -h $PGHOST -p $PGPORT -U $PGUSER"
	say "stop and remove it with:"
	printf '%s -D %s -m immediate stop; rm -rf %s\n' "${DROP[*]} $PGBIN/pg_ctl" "$PGDATA" "$WORK"
}


# The private PostgreSQL and its server

# make_private_server: all that comes before start_server.
make_private_server() {
	[ -n "$WORK" ] || make_work
	copy_postgres
	copy_checkout
	build_and_install
	init_server
}

# copy_postgres: PostgreSQL finds its files relative to its programs, so a copy
# of the three trees is an installation of its own, into which anybody may
# install.
copy_postgres() {
	local tree
	say "copying PostgreSQL $PG_MAJOR to $WORK"
	for tree in "lib/postgresql/$PG_MAJOR" "share/postgresql/$PG_MAJOR" include/postgresql; do
		mkdir -p "$WORK/usr/${tree%/*}"
		cp -a "/usr/$tree" "$WORK/usr/${tree%/*}/"
	done
	give_to_user "$WORK/usr"
	PGBIN=$WORK/usr/lib/postgresql/$PG_MAJOR/bin
}

# copy_checkout: the sources as they are now, committed or not, without what
# an earlier build left.
copy_checkout() {
	mkdir "$WORK/src"
	tar -C "$ROOT" -c --exclude=./.git --exclude='*.o' --exclude='*.bc' --exclude='*.so' \
		--exclude='./spsa--*.sql' --exclude=./results --exclude=./output_iso \
		--exclude=./tmp_check --exclude=./tmp_check_iso --exclude=./log --exclude=./dist \
		--exclude='./regression.*' . | tar -C "$WORK/src" -x --no-same-owner
	give_to_user "$WORK/src"
	SRC=$WORK/src
}

# build_and_install: into the private PostgreSQL.  The output is shown only if
# it is worth reading.
build_and_install() {
	say "building"
	if ! in_group make_quietly -j"$(nproc)" all || ! in_group make_quietly install; then
		cat "$WORK/build.log"
		die "the build failed"
	fi
	! grep -i 'warning:' "$WORK/build.log" || true
}

# make_quietly GOAL...: in the copy, for the private PostgreSQL, into a log.
make_quietly() { as_user make -s PG_CONFIG="$PGBIN/pg_config" "$@" >>"$WORK/build.log" 2>&1; }

# init_server: a cluster that only its owner can reach, by a socket.
init_server() {
	say "initializing a cluster"
	PGDATA=$WORK/data PGHOST=$WORK/socket
	as_user "$PGBIN/initdb" -D "$PGDATA" -U "$PGUSER" -E UTF8 --locale=C.UTF-8 \
		--auth=trust --no-sync >"$WORK/initdb.log" 2>&1 ||
		{ cat "$WORK/initdb.log"; die "initdb failed"; }
	cat >>"$PGDATA/postgresql.conf" <<-CONF
		listen_addresses = ''
		unix_socket_directories = '$PGHOST'
		port = $PGPORT
		fsync = off
	CONF
}

# start_server [OPTION...]: start the server, with options of postgres such as
# -c name=value; returns when it takes connections.
start_server() {
	local option quoted=
	for option in "$@"; do quoted+=" $(printf '%q' "$option")"; done
	as_user "$PGBIN/pg_ctl" -D "$PGDATA" -l "$WORK/server.log" -o "$quoted" -w -t 120 -s start ||
		{ tail -n 50 "$WORK/server.log"; die "the server did not start"; }
}

# stop_server [MODE]: smart, fast (the default) or immediate.
stop_server() {
	as_user "$PGBIN/pg_ctl" -D "$PGDATA" -m "${1:-fast}" -w -s stop
}
