# shellcheck shell=bash
# mutate.sh - breaking one rule at a time, for `mutants` and `check`; source it after lib.sh, with a server running.
#
#     read_mutants            # mutants.list; NAMES, FILES, CHANGES and NOTICED_BY by number, CHECKED: those of `make check`
#     run_mutant NUMBER       # true if a test has noticed; then everything is as before
#
# The sources that are broken are those of the private copy (SRC).

MUTANTS=$ROOT/src/test/tool/mutants.list
NAMES=() FILES=() CHANGES=() NOTICED_BY=() CHECKED=()

read_mutants() {
	local line name file tests
	while IFS= read -r line; do
		case $line in
			'#'* | '') ;;
			$'\t'*) CHANGES+=("${line#$'\t'}") ;;
			*)
				IFS='|' read -r name file tests <<<"$line"
				[ ${#CHANGES[@]} -eq ${#NAMES[@]} ] || die "mutants.list: $line: what is changed?"
				[[ $name != +* ]] || CHECKED+=("${#NAMES[@]}")
				name=${name#+}
				name=${name# }
				NAMES+=("${name% }")
				FILES+=("${file// /}")
				NOTICED_BY+=("$tests") ;;
		esac
	done <"$MUTANTS"
	[ ${#CHANGES[@]} -eq ${#NAMES[@]} ] || die "mutants.list: the last one has no change"
}

# run_tests SECONDS TEST...: only these, of any suite; false if one fails or they take longer.
run_tests() {
	local seconds=$1 test regress=() isolation=() tap=() arguments=()
	shift
	for test in "$@"; do
		if [ -e "$ROOT/sql/$test.sql" ]; then
			regress+=("$test")
		elif [ -e "$ROOT/src/test/isolation/specs/${test#isolation/}.spec" ]; then
			isolation+=("${test#isolation/}")
		elif [ -e "$ROOT/src/test/t/$test.pl" ]; then
			tap+=("src/test/t/$test.pl")
		else
			die "mutants.list: there is no test named $test"
		fi
	done
	arguments+=(REGRESS="${regress[*]}" ISOLATION="${isolation[*]}")
	if [ ${#tap[@]} -gt 0 ]; then
		arguments+=(PROVE_TESTS="${tap[*]}")
	else
		arguments+=(TAP_TESTS=)
	fi
	as_user timeout "$seconds" make -s installcheck PG_CONFIG="$PGBIN/pg_config" "${arguments[@]}" \
		>"$WORK/mutant.log" 2>&1
}

# sweep: what a test that failed may have left, so that the next one does not fail for that.
sweep() {
	local tries=0 database role
	until as_user psql -X -c 'SELECT' >/dev/null 2>&1; do # it may have crashed
		tries=$((tries + 1))
		[ $tries -lt 300 ] || die "the server does not come back"
		sleep 0.2
	done
	for database in contrib_regression isolation_regression; do
		as_user psql -X -q -c "DROP DATABASE IF EXISTS $database WITH (FORCE)" >/dev/null 2>&1
	done
	for role in $(as_user psql -X -A -t -c "SELECT rolname FROM pg_roles WHERE rolname LIKE 'regress\_%'"); do
		as_user psql -X -q -c "DROP ROLE $role" >/dev/null || die "cannot drop role $role"
	done
}

# rebuild: warnings are expected of broken code.
rebuild() {
	make_quietly -j"$(nproc)" PG_CFLAGS=-w with_llvm=no all && make_quietly with_llvm=no install
}

# run_mutant NUMBER
run_mutant() {
	local file=${FILES[$1]} status=0
	[ -e "$ROOT/$file" ] || die "mutant is stale: ${NAMES[$1]}: $file does not exist"
	as_user cp "$SRC/$file" "$WORK/unmutated"
	as_user perl -0777 -p -i -e "${CHANGES[$1]}" "$SRC/$file"
	if as_user cmp -s "$SRC/$file" "$WORK/unmutated"; then
		die "mutant is stale: ${NAMES[$1]}: $file is not changed by ${CHANGES[$1]}"
	fi
	rebuild || { tail -n 20 "$WORK/build.log"; die "mutant does not build: ${NAMES[$1]}"; }
	sweep
	# shellcheck disable=SC2086
	run_tests 180 ${NOTICED_BY[$1]} || status=$?
	sweep
	as_user cp "$WORK/unmutated" "$SRC/$file"
	[ "$status" -ne 0 ]
}
