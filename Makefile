# Makefile for spsa: PGXS for what is built and installed, scripts in
# src/test/tool for everything that has to work before PostgreSQL is there.

MODULE_big = spsa
EXTENSION = spsa
PGFILEDESC = "spsa - session-based permission sets"

OBJS = \
	src/spsa.o \
	src/base/guc.o \
	src/base/signal.o \
	src/base/table.o \
	src/base/version.o \
	src/base/owner.o \
	src/base/crypto.o \
	src/base/crypto_signature.o \
	src/audit/chain.o \
	src/audit/audit.o \
	src/audit/verify.o \
	src/audit/partition.o \
	src/identity/token.o \
	src/identity/totp.o \
	src/identity/keyring.o \
	src/identity/redact.o \
	src/identity/log_session.o \
	src/identity/binding.o \
	src/identity/session.o \
	src/identity/session_row.o \
	src/identity/opening.o \
	src/identity/family.o \
	src/identity/rotation.o \
	src/identity/session_functions.o \
	src/identity/json.o \
	src/identity/jwt.o \
	src/identity/jwt_session.o \
	src/identity/key_file.o \
	src/identity/totp_factor.o \
	src/identity/step_up.o \
	src/grant/value.o \
	src/grant/validate.o \
	src/grant/validate_model.o \
	src/grant/validate_jwt.o \
	src/grant/exclusion.o \
	src/grant/administration.o \
	src/grant/function.o \
	src/grant/definition.o \
	src/grant/definition_cache.o \
	src/grant/protection.o \
	src/grant/effective.o \
	src/grant/suppose.o \
	src/grant/shape.o \
	src/grant/session_info.o \
	src/grant/acting.o \
	src/activation/hours.o \
	src/activation/rule.o \
	src/activation/rule_check.o \
	src/activation/caller.o \
	src/activation/permitted.o \
	src/activation/activate.o \
	src/activation/approval.o \
	src/activation/break_glass.o \
	src/activation/readiness.o \
	src/activation/test_as.o \
	src/activation/activation_view.o \
	src/activation/flow_definition.o \
	src/activation/flow.o \
	src/enforce/protect.o \
	src/enforce/protect_tree.o \
	src/enforce/protect_object.o \
	src/enforce/protect_field.o \
	src/enforce/ddl.o \
	src/enforce/policy_call.o \
	src/enforce/row_policy.o \
	src/enforce/permission_policy.o \
	src/enforce/masked_view.o \
	src/enforce/masked_view_create.o \
	src/enforce/masked_view_write.o \
	src/enforce/plan_mark.o \
	src/enforce/fold.o \
	src/enforce/session_value.o \
	src/enforce/no_scan.o \
	src/enforce/object_guard.o \
	src/enforce/utility.o \
	src/enforce/sequence_guard.o \
	src/enforce/truncate.o \
	src/enforce/executor_guard.o \
	src/enforce/portal_guard.o \
	src/enforce/function_guard.o \
	src/enforce/report.o \
	src/enforce/explain_row.o \
	src/enforce/explain_need.o \
	src/enforce/explain_path.o \
	src/enforce/explain.o \
	src/enforce/count_rows.o \
	src/enforce/simulate.o

# The install script is these files in this order: each may use what the ones
# above it made.
INSTALL_SQL = \
	src/sql/guard.sql \
	src/sql/schema.sql \
	src/sql/model.sql \
	src/sql/trigger.sql \
	src/sql/session.sql \
	src/sql/jwt.sql \
	src/sql/audit.sql \
	src/sql/family.sql \
	src/sql/step_up.sql \
	src/sql/activation.sql \
	src/sql/flow.sql \
	src/sql/enforce.sql \
	src/sql/function_guard.sql \
	src/sql/masked_view.sql \
	src/sql/activation_view.sql \
	src/sql/rule.sql \
	src/sql/approval.sql \
	src/sql/specification.sql \
	src/sql/report.sql \
	src/sql/explain.sql \
	src/sql/simulate.sql \
	src/sql/admin.sql \
	src/sql/admin_model.sql \
	src/sql/admin_rule.sql \
	src/sql/admin_flow.sql \
	src/sql/admin_jwt.sql \
	src/sql/advisor_object.sql \
	src/sql/advisor_role.sql \
	src/sql/advisor_view.sql \
	src/sql/advisor_assignment.sql \
	src/sql/advisor_identity.sql \
	src/sql/advisor_setup.sql \
	src/sql/privileges.sql

# Regression tests, in the order they run: sql/NAME.sql, expected/NAME.out.
# `make lint` complains about files that are not listed here.
REGRESS_LIST = \
	install \
	model \
	admin \
	group \
	field_function \
	field_guard \
	object_guard \
	masked_view \
	virtual_column \
	sequence_guard \
	exclusion \
	ddl \
	session \
	jwt \
	family \
	rotation \
	totp \
	activation \
	activation_view \
	report \
	explain \
	simulate \
	advisor \
	activation_rule \
	approval \
	custom_permission \
	flow \
	protect \
	function_guard \
	held_result \
	partition \
	row_scope \
	statements \
	exempt \
	side_doors \
	errors \
	resets \
	sql_function \
	fold_random \
	worlds \
	plan_matrix \
	hostile \
	hostile_engine \
	audit \
	audit_chain \
	audit_partition

# Isolation tests: src/test/isolation/specs/NAME.spec, expected/NAME.out.
ISOLATION_LIST = \
	audit_chain \
	signals \
	revocation \
	family \
	rotation \
	activation \
	managing \
	locking \
	group \
	exclusion \
	approval \
	ddl \
	truncate \
	function_guard \
	masked_view \
	flow \
	partition


# TAP tests are all there are.
TAP_LIST = $(sort $(wildcard src/test/t/*.pl))

# The control file is the only place that knows the version.  (Not named
# VERSION: that is PostgreSQL's own once PGXS is included.)
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" spsa.control)

DATA_built = spsa--$(EXTVERSION).sql

# Install scripts of versions that were released, as they were, and scripts
# that lead from one version to the next (docs/TESTING.md, "Versions").
DATA = $(sort $(wildcard src/sql/released/spsa--*.sql src/sql/update/spsa--*--*.sql))

PG_CPPFLAGS = -I$(srcdir)/src -DSPSA_VERSION='"$(EXTVERSION)"'
# The exceptions are what PostgreSQL's own headers and its calling convention
# cannot avoid under -Wextra.
PG_CFLAGS = -Wall -Wextra -Werror \
	-Wno-unused-parameter \
	-Wno-missing-field-initializers \
	-Wno-sign-compare
SHLIB_LINK = -lcrypto

# PGXS looks whether these are defined at all, so an empty definition would
# run an empty suite.
ifneq ($(strip $(REGRESS_LIST)),)
REGRESS = $(REGRESS_LIST)
endif
ifneq ($(strip $(ISOLATION_LIST)),)
ISOLATION = $(ISOLATION_LIST)
# Output stays in output_iso, PGXS's own choice, below the build directory.
ISOLATION_OPTS = --inputdir=$(srcdir)/src/test/isolation --load-extension=spsa
endif
ifneq ($(TAP_LIST),)
TAP_TESTS = 1
PROVE_TESTS = $(TAP_LIST)
endif

EXTRA_CLEAN = \
	$(wildcard spsa--*.sql) \
	results output_iso tmp_check tmp_check_iso log \
	regression.diffs regression.out bench.csv

# Goals that are scripts.  They install PostgreSQL if need be, so they must
# not depend on pg_config.
SCRIPT_GOALS = help check soak model test-core mutants fuzz demo lint format bench check-bare matrix reference diagrams dist dist-check deb deb-check print-%

ifneq ($(filter-out $(SCRIPT_GOALS),$(or $(MAKECMDGOALS),all)),)

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
ifeq ($(wildcard $(PGXS)),)
$(error PostgreSQL's development files are missing: install postgresql-server-dev, set PG_CONFIG=/path/to/pg_config, or use "make check", which fetches what it needs)
endif

# A server built with LLVM asks for bitcode of every extension, but its clang
# need not be installed here.
CLANG_FOUND := $(shell command -v "$$(sed -n 's/^CLANG *= *//p' '$(dir $(PGXS))../Makefile.global')")
ifeq ($(CLANG_FOUND),)
override with_llvm = no
endif

include $(PGXS)

$(OBJS) $(OBJS:.o=.bc): $(wildcard $(srcdir)/src/*.h $(srcdir)/src/*/*.h)
src/base/version.o src/base/version.bc: spsa.control

# Written to the side first, so that a failure leaves no half of a script
# that looks up to date.
spsa--$(EXTVERSION).sql: $(INSTALL_SQL) spsa.control Makefile
	{ printf '%s\n' '\echo Use "CREATE EXTENSION spsa" to load this file. \quit' && \
	  cat $(INSTALL_SQL); } > $@.tmp
	mv $@.tmp $@

clean: clean-tmp
.PHONY: clean-tmp
clean-tmp:
	rm -f spsa--*.sql.tmp

endif

ifneq ($(filter $(SCRIPT_GOALS),$(or $(MAKECMDGOALS),all)),)

.PHONY: help check soak model test-core mutants fuzz demo lint format bench check-bare matrix reference diagrams dist dist-check deb deb-check

help:
	@echo 'Targets that need PostgreSQL (PG_CONFIG=... chooses which):'
	@echo '  all            build the library and the install script (default)'
	@echo '  install        install them; DESTDIR= is honoured'
	@echo '  installcheck   run all tests against a running server (PGHOST= PGPORT=)'
	@echo '  clean          remove what was built'
	@echo 'Targets that fetch what they need from Debian and leave the system alone:'
	@echo '  demo           show the extension at work in a private server'
	@echo '  check          build, and run all tests in a private server'
	@echo '                 KEEP=1 keeps it; TESTS="a b" runs only these;'
	@echo '                 PG_MAJOR=NN chooses among installed PostgreSQLs'
	@echo '  soak           50 clients behind a connection pool, for longer than in check'
	@echo '                 SECONDS_EACH=60; SEED=N makes the choices of that run again'
	@echo '  model          verify a model of signals, caches and plans with spin'
	@echo '  test-core      run PostgreSQL'\''s own tests without and with the extension'
	@echo '                 ONLY="a b" runs these after test_setup; KEEP, PG_MAJOR'
	@echo '  mutants        break one rule after the other: the tests must notice'
	@echo '                 ONLY=REGEX tries those whose names match'
	@echo '  fuzz           look for input that reading JSON Web Tokens cannot bear'
	@echo '                 SECONDS_EACH=60; FINDINGS=directory keeps what was found'
	@echo '  lint           formatting, warnings, cppcheck, house rules'
	@echo '  format         format the C sources in place'
	@echo '  bench          measure'
	@echo '  reference      write docs/REFERENCE.md anew from the COMMENTs'
	@echo '  diagrams       draw docs/diagram/*.svg anew where the .dot beside has changed'
	@echo '  check-bare     demo and check on an empty Debian (needs root)'
	@echo '  matrix         check with PostgreSQL 15, 17 and 18, each on a Debian that has it'
	@echo '                 (needs root); VERSIONS="17 18" chooses; TESTS'
	@echo 'Targets for releases and packagers, from HEAD into dist/ (DIST=directory):'
	@echo '  dist           spsa-VERSION.zip, as PGXN wants it, and spsa-VERSION.tar.gz'
	@echo '  dist-check     build, install and test what is in them; TESTS="a b"'
	@echo '  deb            Debian packages for the PostgreSQLs that are installed'
	@echo '  deb-check      build, install, test and purge them on a minimal Debian'
	@echo '                 (needs root); SUITE=trixie chooses the Debian'

check soak model test-core mutants fuzz demo lint format check-bare matrix diagrams dist-check deb-check:
	@src/test/tool/$@

dist deb:
	@src/packaging/$@
bench:
	@src/test/bench/run
reference:
	@src/test/tool/reference

# For the scripts: the lists above have one home.
print-%:
	@printf '%s\n' '$(strip $($*))'

endif
