# shellcheck shell=bash
# bare.sh - a minimal Debian to run things in, for `check-bare` and `matrix`; source it after lib.sh.
#
#     need_bare bookworm                   # what the machine needs; dies where it cannot be done
#     in_namespaces "$0" --inside ...      # mounts and processes end with it; then, in there:
#     make_bare bookworm DIRECTORY         # debootstrap, mounts, and a clean clone of HEAD in /root/spsa
#     make_inside DIRECTORY check A=b      # make check there, A=b in its environment; output in DIRECTORY.check
#     last_line DIRECTORY check            # what it ended with, and outside again: whether it succeeded
#
# Where packages come from is this machine's affair: mirrors, keys, proxies and the settings of apt's transports are
# taken from its own configuration.

# sources SUITE: this machine's Debian mirrors of the suite, as lines of sources.list;
# if it has none of that suite, the suite from the mirror of its own.  Other
# vendors' packages are no part of a bare Debian.
sources() {
	# shellcheck disable=SC2016
	apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' \
		'Created-By: Packages' 'Origin: Debian' | sort -u |
		awk -v suite="$1" '
			$3 == suite || index($3, suite "-") == 1 { print; found = 1 }
			$3 !~ /-/ && !other { other = $2 }
			END { if (!found && other) print "deb", other, suite, "main" }'
}

# mirror SUITE: the one among them that has the suite itself.
mirror() { sources "$1" | awk -v suite="$1" '$3 == suite { print $2; exit }'; }

# proxy SCHEME: what apt uses, unless the environment already says so.
proxy() {
	local variable=${1}_proxy value=
	eval "$(apt-config shell value "Acquire::$1::Proxy")"
	value=${!variable:-$value}
	[ -z "$value" ] || [ "$value" = DIRECT ] || echo "$variable=$value"
}

# make_debian SUITE DIRECTORY: a minimal system that can reach the mirror.
make_debian() {
	local suite=$1 bare=$2 directory file script=()
	say "installing $suite from $(mirror "$suite")"
	# Suites that are younger than debootstrap are made as sid is.
	[ -e "/usr/share/debootstrap/scripts/$suite" ] || script=(/usr/share/debootstrap/scripts/sid)
	env "${PROXIES[@]}" debootstrap --variant=minbase --include=git,make,ca-certificates \
		"$suite" "$bare" "$(mirror "$suite")" "${script[@]}" >"$bare.log" 2>&1 ||
		{ tail -n 20 "$bare.log"; die "debootstrap failed"; }

	sources "$suite" >"$bare/etc/apt/sources.list"
	# A script that finds proxies exists here, not there.
	apt-config dump | grep '^Acquire::' | grep -v 'Proxy-Auto-Detect' \
		>"$bare/etc/apt/apt.conf.d/99machine"
	# A mirror may be behind a suite that changes every day.
	[ ${#script[@]} -eq 0 ] ||
		echo 'Acquire::Check-Valid-Until "false";' >>"$bare/etc/apt/apt.conf.d/99machine"
	for directory in /etc/apt/trusted.gpg.d /etc/apt/keyrings /usr/share/keyrings \
		/etc/apt/auth.conf.d /usr/local/share/ca-certificates; do
		[ -d "$directory" ] || continue
		mkdir -p "$bare$directory"
		cp -Rn "$directory/." "$bare$directory/"
	done
	for file in /etc/resolv.conf /etc/hosts; do
		[ ! -e "$file" ] || cp -L "$file" "$bare$file"
	done
	chroot "$bare" update-ca-certificates >/dev/null 2>&1 || true
}

# mount_system DIRECTORY: what PostgreSQL (shared memory, terminals) and bash
# (/dev/fd) expect of a running system.
mount_system() {
	local bare=$1 device
	mount -t proc proc "$bare/proc"
	mount -t tmpfs -o mode=755 tmpfs "$bare/dev"
	for device in null zero full random urandom tty; do
		: >"$bare/dev/$device"
		mount --bind "/dev/$device" "$bare/dev/$device"
	done
	mkdir "$bare/dev/pts" "$bare/dev/shm"
	mount -t devpts -o newinstance,ptmxmode=666 devpts "$bare/dev/pts"
	mount -t tmpfs -o mode=1777 tmpfs "$bare/dev/shm"
	ln -s pts/ptmx "$bare/dev/ptmx"
	ln -s /proc/self/fd "$bare/dev/fd"
	ln -s fd/0 "$bare/dev/stdin"
	ln -s fd/1 "$bare/dev/stdout"
	ln -s fd/2 "$bare/dev/stderr"
}

# make_bare SUITE DIRECTORY
make_bare() {
	mapfile -t PROXIES < <(proxy http; proxy https)
	make_debian "$1" "$2"
	mount_system "$2"
	git clone -q "$ROOT" "$2/root/spsa"
}

# make_inside DIRECTORY GOAL [NAME=VALUE...]
make_inside() {
	local bare=$1 goal=$2
	shift 2
	chroot "$bare" /usr/bin/env -i HOME=/root LANG=C "${PROXIES[@]}" "$@" \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		make -C /root/spsa --no-print-directory "$goal" 2>&1 |
		tee "$bare.$goal" || { touch "$bare.$goal.failed"; return 1; }
}

# last_line DIRECTORY GOAL
last_line() {
	local line
	line=$(grep -v '^make: \*\*\*' "$1.$2" 2>/dev/null | tail -n 1 || true)
	if [ -z "$line" ] || [ -e "$1.$2.failed" ]; then
		echo "FAILED ${line:-before it began}"
		return 1
	fi
	echo "$line"
}

# in_namespaces COMMAND...
in_namespaces() { in_group unshare --mount --pid --ipc --fork --kill-child --mount-proc "$@"; }

# need_bare SUITE...
need_bare() {
	local suite
	[ "$(id -u)" -eq 0 ] || die "needs root, for debootstrap and namespaces"
	need_packages debootstrap git util-linux
	for suite in "$@"; do
		[ -n "$(mirror "$suite")" ] || apt update
		[ -n "$(mirror "$suite")" ] || die "apt has no source for Debian $suite"
	done
	say "commit $(git -C "$ROOT" log -1 --format='%h %s')"
	[ -z "$(git -C "$ROOT" status --porcelain)" ] || say "uncommitted changes are not part of this"
}
