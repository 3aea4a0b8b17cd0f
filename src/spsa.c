/* spsa.c - the library's entry point: calls each module's init, in order. No logic. */
#include "postgres.h"

#include "fmgr.h"

#include "activation/flow.h"
#include "base/compat.h"
#include "base/guc.h"
#include "base/signal.h"
#include "enforce/executor_guard.h"
#include "enforce/function_guard.h"
#include "enforce/masked_view.h"
#include "enforce/no_scan.h"
#include "enforce/object_guard.h"
#include "enforce/plan_mark.h"
#include "enforce/truncate.h"
#include "enforce/sequence_guard.h"
#include "grant/acting.h"
#include "grant/definition_cache.h"
#include "grant/effective.h"
#include "grant/protection.h"
#include "grant/shape.h"
#include "identity/binding.h"
#include "identity/log_session.h"
#include "identity/redact.h"
#include "identity/rotation.h"
#include "identity/session.h"

PG_MODULE_MAGIC;

extern void _PG_init(void);

void
_PG_init(void)
{
	guc_init();
	signal_init();
	redact_init();
	log_session_init();			/* after it, so that what is added is masked */
	binding_init();
	guc_reserve();
	session_init();
	rotation_init();
	definition_cache_init();
	protection_init();
	effective_init();
	acting_init();
	shape_init();
	flow_init();
	plan_mark_init();
	no_scan_init();
	masked_view_init();
	object_guard_init();
	truncate_init();
	sequence_guard_init();
	executor_guard_init();
	function_guard_init();
}
