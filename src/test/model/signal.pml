/* signal.pml - commits, signals, caches and plans: a statement that starts after a revocation was acknowledged never uses it.
 *
 * A model for spin of three backends: two that commit changes, and one that executes statements for one session.  Readers share
 * nothing but the queue, of which each has a place of its own, so one stands for all.  Run it with `make model`, which says which
 * properties hold and that each mutant fails.
 *
 * What is authority here: a version of what the session's rows say (s) and one of what definitions say (d).  Each commit makes new
 * versions of one or both; a grant that comes back is a new version too, so the model is stricter than the code, which compares
 * shapes.
 *
 * From the code, by its names there:
 *   base/signal.c                   definition_count, the session's counter, epoch, signal_definitions_settled()
 *   base/table.c                    table_schema(), which looks into the catalog where a signal of it has come
 *   identity/session.c              session_current(), get(), load_fresh(), load_once(), role_may_use()
 *   grant/definition_cache.c        definition_reader(), may_use_list(), definition_get()
 *   enforce/fold.c, plan_mark.c     what is folded into a plan, signal_came()
 *   enforce/executor_guard.c        check_start(), check_shapes()
 *   enforce/row_policy.c            row_policy_session(): the way without a plan
 * From PostgreSQL: CommitTransaction() makes a transaction visible (ProcArrayEndTransaction), then sends its messages
 * (AtEOXact_Inval), then lets its locks go, then the client is told.  COMMIT PREPARED and the replay of a commit on a standby have
 * the same order.  Who is too far behind is told to reset everything.  Opening a catalog table takes in messages, so whatever may
 * miss a system cache does.
 *
 * Left out: time (next_change), bindings and their rollback, what a transaction changes and reads itself, subtransactions,
 * dropping the extension, sessions derived from others, counters that two names share (which only move more often), and what
 * protection.c keeps.
 *
 * Switches: -DSTANDBY (no locks can be asked about); -DREACH=n turns a place that must be reached into an error; and one for each
 * rule that is broken, listed in src/test/tool/model.  LATE_EPOCH and LATE_LISTED are rules that session_current() and
 * definition_reader() do not keep (docs/TESTING.md).
 */
#ifndef COMMITS
#define COMMITS 3		/* of both together */
#endif
#define QUEUE 2			/* messages that one may be behind */

#ifdef REACH
#define REACHED(n) assert(n != REACH)
#else
#define REACHED(n) skip
#endif

/* ---- shared ---- */

byte seen_s, seen_d;		/* what a new snapshot sees */
byte acked_s, acked_d;		/* what clients were told is committed */
byte locks;			/* held by those that change definitions */
byte begun;

/* The reader's place in the queue: which kinds of messages are before it. */
byte pending;
bool pending_s, pending_d, pending_catalog;
bool overflow;

#define SESSION 1
#define DEFINITION 2
#define CATALOG 4		/* pg_namespace and pg_authid: look-ups miss */
#define OTHER 8			/* another session's */

inline put(flag)
{
	if
	:: overflow -> skip
	:: !overflow && pending == QUEUE ->
#ifndef NO_RESET
		overflow = true;
#endif
		pending = 0; pending_s = false; pending_d = false; pending_catalog = false
	:: else -> pending++; flag = true
	fi
}

inline send(kind)
{
	d_step {
		if :: kind & SESSION -> put(pending_s) :: else -> skip fi;
		if :: kind & DEFINITION -> put(pending_d) :: else -> skip fi;
		if :: kind & CATALOG -> put(pending_catalog) :: else -> skip fi;
		if :: kind & OTHER -> put(other) :: else -> skip fi;
		other = false
	}
}

inline appear(kind)
{
	d_step {
		seen_s = seen_s + (kind & SESSION);
		seen_d = seen_d + ((kind & DEFINITION) >> 1);
		if :: kind & SESSION -> new_s = seen_s :: else -> skip fi;
		if :: kind & DEFINITION -> new_d = seen_d :: else -> skip fi
	}
}

inline acknowledge(kind)
{
	d_step {
		if :: acked_s < new_s -> acked_s = new_s :: else -> skip fi;
		if :: acked_d < new_d -> acked_d = new_d :: else -> skip fi
	}
}

inline unlock(kind)
{
	if :: kind & DEFINITION -> locks-- :: else -> skip fi
}

/* The two differ in what they change, so that no state is looked at twice for which of them did it. */
proctype Writer(bool first)
{
	byte kind, new_s, new_d;
	bool other;

end:
	do
	:: atomic {
		first && begun < COMMITS -> begun++;
		if
		:: kind = CATALOG
		:: kind = OTHER
		fi;
		send(kind);
		kind = 0
	}
	:: atomic {
		begun < COMMITS -> begun++;
		if
		:: first -> kind = SESSION | DEFINITION
		:: !first -> kind = SESSION
		:: !first -> kind = DEFINITION
		fi;
		if :: kind & DEFINITION -> locks++ :: else -> skip fi
	};
#ifdef MESSAGE_FIRST
	send(kind);
#endif
	appear(kind);
#ifdef EARLY_ACK
	acknowledge(kind);
#endif
#ifdef EARLY_UNLOCK
	unlock(kind);
#endif
#ifndef MESSAGE_FIRST
	send(kind);
#endif
#ifndef EARLY_UNLOCK
	unlock(kind);
#endif
#ifndef EARLY_ACK
	acknowledge(kind);
#endif
	atomic { kind = 0; new_s = 0; new_d = 0 }
	od
}

/* ---- the reader's own; what it does between two looks at what is shared is one step ---- */

/* signal_received() and the listeners, for all that is there */
inline accept()
{
	d_step {
		if :: overflow || pending_s -> count_s++ :: else -> skip fi;
		if :: overflow || pending_d -> count_d++ :: else -> skip fi;
		if
		:: overflow || pending_catalog ->
			schema_known = false; role_known = false
		:: else -> skip
		fi;
		if
		:: overflow || pending > 0 ->
			/* of the catalog's messages none is a signal */
			if
			:: overflow || pending_s || pending_d || !pending_catalog || pending > 1 -> epoch++
			:: else -> skip
			fi
		:: else -> skip
		fi;
#ifndef NO_STALE
		if
		:: (overflow || pending_s || pending_d) && nfolded -> plan_valid = false; nfolded = false
		:: else -> skip
		fi;
#endif
		if :: overflow -> REACHED(6) :: else -> skip fi;
		overflow = false; pending = 0; pending_s = false; pending_d = false; pending_catalog = false
	}
}

/* A table is opened, a lock is taken: messages are taken in, unless the lock was held. */
inline may_accept()
{
	atomic {
		if
		:: accept()
		:: pending > 0 || overflow -> skip
		fi
	}
}

/* table_schema(): what changes while it is looked up is not known afterwards. */
inline look_up_schema()
{
	atomic {
		if
		:: schema_known -> skip
		:: else -> schema_known = true; accept()
		fi
	}
}

inline look_up_role()
{
	atomic {
		if
		:: role_known -> skip
		:: else -> role_known = true; accept()
		fi
	}
}

/* is_fresh(): the counts first, then the schema */
inline is_fresh()
{
	atomic {
		fresh = (entry_count_s == count_s && entry_count_d == count_d);
		look_up_schema()
	}
}

inline definition_reader()
{
	atomic {
#if defined(STANDBY) && !defined(NO_SETTLED)
	settled = false;
#elif defined(NO_SETTLED)
	settled = true;
#else
	settled = (locks == 0);
#endif
	if :: !settled -> REACHED(7) :: else -> skip fi
	};
	atomic {
#ifdef LATE_LISTED
	fresh = (listed_count == count_d);
	look_up_schema();
#else
	look_up_schema();
	fresh = (listed_count == count_d);
#endif
#ifndef NO_UNLIST
	if :: !fresh -> listed = false; list_d = 0 :: else -> skip fi;
#endif
	listed_count = count_d
	}
}

#define may_use_list (settled && entry_count_d == count_d && listed_count == count_d)

inline definition_get()
{
	atomic {
		if
		:: may_use_list && listed -> REACHED(2); entry_d = list_d
		:: else ->
			may_accept();
			entry_d = snapshot_d;
			if :: may_use_list -> list_d = entry_d; listed = true :: else -> skip fi
		fi
	}
}

/* load_fresh(), load_once() */
inline load()
{
	fresh = false;
	do
	:: fresh -> break
	:: else ->
		atomic {
			/* nothing of an earlier try counts */
			entry_s = 0; entry_d = 0; entry_count_s = 0; entry_count_d = 0;
			snapshot_d = 0; settled = false;
			accept();
			epoch_before = epoch
		};
		look_up_schema();
#ifdef EARLY_SNAPSHOT
		/* the counts of what the snapshot does not see */
		d_step { entry_s = seen_s; snapshot_d = seen_d };
		accept();
		epoch_before = epoch;
#else
		d_step { entry_s = seen_s; snapshot_d = seen_d };
#endif
		atomic { may_accept(); entry_count_s = count_s; entry_count_d = count_d };
		if
#ifndef NO_AGAIN
		:: epoch != epoch_before -> REACHED(4)
		:: else ->
#else
		:: true ->
#endif
			definition_reader();
			definition_get();
#ifndef NO_LAST_ACCEPT
			accept();
#endif
#ifdef NO_FRESH
			fresh = true
#else
			is_fresh();
			if :: !fresh -> REACHED(9) :: else -> skip fi
#endif
		fi
	od;
	/* what was read is what one snapshot saw */
	atomic {
		assert(entry_d == snapshot_d);
		have_entry = true;
		snapshot_d = 0; epoch_before = 0; fresh = false; settled = false
	}
}

/* is_fresh() of what is kept, or another load */
inline get()
{
	atomic {
		if
		:: have_entry ->
			is_fresh();
#ifdef NO_COUNTS
			fresh = true;
#endif
			have_entry = fresh
		:: else -> skip
		fi
	};
	if
	:: have_entry -> REACHED(10)
	:: else -> load()
	fi
}

inline session_current()
{
	if
	:: current && current_epoch == epoch -> REACHED(1)
	:: else ->
		atomic { current = false; epoch_then = epoch };
		get();
		atomic {
			look_up_role();
			current = true;
#ifdef LATE_EPOCH
			current_epoch = epoch
#else
			current_epoch = epoch_then
#endif
		}
	fi;
	epoch_then = 0; fresh = false
}

/* Counts are compared for equality alone, so between statements only who is equal matters. */
#define NEVER 255

inline renumber()
{
	d_step {
		if :: current && current_epoch == epoch -> skip :: else -> current = false fi;
		current_epoch = 0; epoch = 0;
		if :: entry_count_s == count_s -> entry_count_s = 0 :: else -> entry_count_s = NEVER fi;
		if :: entry_count_d == count_d -> entry_count_d = 0 :: else -> entry_count_d = NEVER fi;
		if :: listed_count == count_d -> listed_count = 0 :: else -> listed_count = NEVER fi;
		count_s = 0; count_d = 0;
		start_s = 0; start_d = 0;
#ifdef REACH
		cached = false;
#endif

		if :: !plan_valid -> plan_s = 0; plan_d = 0 :: else -> skip fi
	}
}

/* What a statement shows rests on versions of at least those that clients knew when it started. */
inline use(its_s, its_d)
{
	atomic {
		assert(its_s >= start_s && its_d >= start_d);
		if :: start_s > 0 && start_d > 0 -> REACHED(8) :: else -> skip fi
	}
}

proctype Reader()
{
	/* signal.c, table.c, the system caches */
	byte count_s, count_d, epoch;
	bool schema_known, role_known;
	/* session.c */
	bool have_entry, current;
	byte entry_s, entry_d, entry_count_s, entry_count_d, current_epoch;
	/* definition_cache.c */
	bool listed;
	byte list_d, listed_count;
	/* plan_mark.c and the plan cache */
	bool plan_valid, nfolded;
	byte plan_s, plan_d;
	/* for a while */
	byte snapshot_d, start_s, start_d, epoch_before, epoch_then;
	bool fresh, settled, cached;

end:
	do
	:: atomic { start_s = acked_s; start_d = acked_d };
		if
		:: true ->
			/* GetCachedPlan(): locks are taken, unless they are held */
			atomic {
				may_accept();
#ifdef REACH
				cached = plan_valid
#endif
			};
			if
			:: plan_valid -> skip
			:: else ->
				session_current();
				/* what comes in while it is being made does not meet it in the cache */
				atomic {
					plan_s = entry_s; plan_d = entry_d;
					nfolded = true;
					may_accept();
					plan_valid = true
				}
			fi;
			/* ExecutorStart */
#ifndef NO_ACCEPT
			accept();
#endif
			session_current();
			if
#ifndef NO_GUARD
			:: plan_s != entry_s || plan_d != entry_d ->
				REACHED(5);
				plan_valid = false; nfolded = false
#endif
			:: else ->
				nfolded = true;
				if :: cached && start_s > 0 -> REACHED(3) :: else -> skip fi;
				use(plan_s, plan_d)
			fi
		:: true ->
			/* row by row */
#ifndef NO_ACCEPT
			accept();
#endif
			session_current();
			use(entry_s, entry_d)
		fi;
		renumber()
	od
}

init
{
	atomic { run Writer(true); run Writer(false); run Reader() }
}
