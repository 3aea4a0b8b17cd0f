/* plan_mark.c - what was folded into a plan: kept in the plan itself, and compared with what holds now.
 *
 * Invariant 5: a plan made under other authority must not run. Each folded plan carries, in its list of invalidation
 * items, a mark, by which all such plans can be made stale at once, and for each shape that was folded the object, the
 * privilege and the shape's number. The executor guard compares these with the present ones at every start
 * (plan_mark_is_current). The caches of PostgreSQL compare items of the kinds PROCOID and TYPEOID only, so that items of
 * other kinds just travel along with the plan.
 *
 * The values of session attributes stand in a plan as constants, with a hash of all attributes in an item, until the
 * backend has met a second session with the same shapes and other attributes, as in a pool: from then on they are calls
 * of spsa_session_value(), so that these sessions share plans (spsa.share_plans).
 */
#include "postgres.h"

#include "fmgr.h"
#include "nodes/nodeFuncs.h"
#include "nodes/supportnodes.h"
#include "optimizer/optimizer.h"
#include "optimizer/planmain.h"
#include "utils/inval.h"
#include "utils/syscache.h"

#include "base/guc.h"
#include "base/signal.h"
#include "enforce/plan_mark.h"
#include "grant/value.h"
#include "identity/binding.h"

/* Hash value of the item that marks a plan: no function has it but by chance, and then only a replan is lost. */
#define PLAN_MARK 0x73707361u

/* Kinds of the four items that tell a folded shape; no syscache has these numbers. */
#define ITEM_QUESTION 0x73700000	/* + kind of the question; value: its
									 * subject */
#define ITEM_FIELD 0x73710000
#define ITEM_SHAPE_LOW 0x73720000
#define ITEM_SHAPE_HIGH 0x73730000

/* Kinds of the two items that tell a hash of the attributes, if some stand in the plan as constants. */
#define ITEM_VALUES_LOW 0x73740000
#define ITEM_VALUES_HIGH 0x73750000

/* A function that runs no plan, or attaches a session; value: as in the function's own item of kind PROCOID. */
#define ITEM_HARMLESS 0x73760000

/* Whether this backend has ever marked a plan. */
bool		plan_mark_any = false;

/* Shapes folded into plans that may still be cached. */
typedef struct Folded
{
	Question	question;
	uint64		shape;
} Folded;

#define MAX_FOLDED 256

static Folded folded[MAX_FOLDED];
static int	nfolded = 0;
static bool folded_overflow = false;
static uint64 folded_values = 0;	/* hash of the attributes in them; 0: none */
static bool many_users = false; /* two sessions have met that differ in their
								 * attributes only */
static uint64 checked_version = 0;	/* of the session; 0: none, or UNCHECKED */

#define UNCHECKED PG_UINT64_MAX

static uint64 checked_names = 0;	/* shape_names_epoch() then */

/* ---- what was folded ---- */

static bool
has_mark(const List *items)
{
	ListCell   *cell;

	foreach(cell, items)
	{
		const PlanInvalItem *item = lfirst(cell);

		if (item->cacheId == PROCOID && item->hashValue == PLAN_MARK)
			return true;
	}
	return false;
}

bool
plan_mark_present(const PlannedStmt *plan)
{
	return plan_mark_any && has_mark(plan->invalItems);
}

static void
add_item(PlannerGlobal *glob, int kind, uint32 value)
{
	PlanInvalItem *item = makeNode(PlanInvalItem);

	item->cacheId = kind;
	item->hashValue = value;
	glob->invalItems = lappend(glob->invalItems, item);
}

/* The call may have come in by an inlined function, which the plan does not depend on by itself. */
void
plan_mark_set(PlannerInfo *root, Oid function)
{
	record_plan_function_dependency(root, function);
	plan_mark_any = true;
	if (has_mark(root->glob->invalItems))
		return;
	add_item(root->glob, PROCOID, PLAN_MARK);
	add_item(root->glob, ITEM_HARMLESS, PLAN_MARK);
	add_item(root->glob, ITEM_HARMLESS, GetSysCacheHashValue1(PROCOID, ObjectIdGetDatum(function)));
}

/* A support function that puts what is known when a query is planned in the place of a call, and marks the plan. */
Datum
plan_mark_support(FunctionCallInfo fcinfo, Node *(*fold) (PlannerInfo *, const FuncExpr *))
{
	SupportRequestSimplify *request = (SupportRequestSimplify *) PG_GETARG_POINTER(0);
	Node	   *result = NULL;

	if (IsA(request, SupportRequestSimplify) && request->root != NULL)
	{
		plan_mark_set(request->root, request->fcall->funcid);
		result = fold(request->root, request->fcall);
	}
	PG_RETURN_POINTER(result);
}

static void
remember_folded(const Question *question, uint64 shape)
{
	for (int i = 0; i < nfolded; i++)
	{
		if (memcmp(&folded[i].question, question, sizeof(Question)) == 0 && folded[i].shape == shape)
			return;
	}
	if (nfolded == MAX_FOLDED)
	{
		folded_overflow = true;
		return;
	}
	folded[nfolded].question = *question;
	folded[nfolded].shape = shape;
	nfolded++;
	checked_version = UNCHECKED;
}

void
plan_mark_add(PlannerGlobal *glob, const Question *question, uint64 shape)
{
	add_item(glob, ITEM_QUESTION + (int) question->kind, question->subject);
	add_item(glob, ITEM_FIELD, question->field);
	add_item(glob, ITEM_SHAPE_LOW, (uint32) shape);
	add_item(glob, ITEM_SHAPE_HIGH, (uint32) (shape >> 32));
	remember_folded(question, shape);
}

bool
plan_mark_may_hold_values(void)
{
	return guc_share_plans == SHARE_PLANS_OFF || (guc_share_plans == SHARE_PLANS_AUTO && !many_users);
}

static void
remember_values(uint64 values)
{
	if (folded_values != 0 && folded_values != values)
		folded_overflow = true;
	if (folded_values == 0)
		checked_version = UNCHECKED;
	folded_values = values;
}

/* Attributes of the session stand in the plan as constants. */
void
plan_mark_add_values(PlannerGlobal *glob, SessionEntry *entry)
{
	uint64		values = value_digest(entry);

	add_item(glob, ITEM_VALUES_LOW, (uint32) values);
	add_item(glob, ITEM_VALUES_HIGH, (uint32) (values >> 32));
	remember_values(values);
}

static uint64
two_halves(const List *items, int i)
{
	return (uint64) ((const PlanInvalItem *) list_nth(items, i))->hashValue |
		(uint64) ((const PlanInvalItem *) list_nth(items, i + 1))->hashValue << 32;
}

/* Called where all shapes agree: a difference means that the backend serves several users. */
static bool
are_present_values(SessionEntry *entry, uint64 values)
{
	if (entry != NULL && value_digest(entry) == values)
		return true;
	many_users = many_users || entry != NULL;
	return false;
}

static uint64
present_shape(SessionEntry *entry, const Question *question)
{
	return entry == NULL ? shape_none()->id : shape_of(entry, question)->id;
}

/* Whether each shape, and the attributes, that were folded into the plan are the present ones. entry: the valid session, or NULL for none. */
bool
plan_mark_is_current(const PlannedStmt *plan, SessionEntry *entry)
{
	const List *items = plan->invalItems;

	for (int i = 0; i < list_length(items); i++)
	{
		const PlanInvalItem *item = list_nth(items, i);
		Question	question;
		uint64		shape;

		if (item->cacheId < ITEM_QUESTION || item->cacheId >= ITEM_QUESTION + QUESTION_KINDS)
			continue;
		question.kind = item->cacheId - ITEM_QUESTION;
		question.subject = item->hashValue;
		question.field = ((const PlanInvalItem *) list_nth(items, i + 1))->hashValue;
		shape = two_halves(items, i + 2);
		if (present_shape(entry, &question) != shape)
			return false;

		/*
		 * It may have been forgotten by an invalidation that came while it
		 * was being made.
		 */
		remember_folded(&question, shape);
	}

	/* Several, if the session was exchanged while the plan was made. */
	for (int i = 0; i < list_length(items); i++)
	{
		if (((const PlanInvalItem *) list_nth(items, i))->cacheId != ITEM_VALUES_LOW)
			continue;
		if (!are_present_values(entry, two_halves(items, i)))
			return false;
		remember_values(two_halves(items, i));
	}
	return true;
}

/* Makes every cached plan with a mark stale. Touches no table and raises no error: callbacks may call it. */
void
plan_mark_invalidate(void)
{
	if (nfolded > 0 || folded_overflow)
		plan_mark_invalidate_always();
}

/* The same where a stale plan has been met, whether or not it was known of. */
void
plan_mark_invalidate_always(void)
{
	nfolded = 0;
	folded_overflow = false;
	folded_values = 0;
	CallSyscacheCallbacks(PROCOID, PLAN_MARK);
}

/* Whether an item stands for a function that is known to choose no plan unchecked. */
static bool
is_harmless(const List *items, const PlanInvalItem *item)
{
	ListCell   *cell;

	if (item->cacheId >= ITEM_QUESTION)
		return true;
	foreach(cell, items)
	{
		const PlanInvalItem *other = lfirst(cell);

		if (other->cacheId == ITEM_HARMLESS && item->cacheId == PROCOID && item->hashValue == other->hashValue)
			return true;
	}
	return false;
}

/*
 * Whether other plans may be chosen while the statement runs: by functions that are not built in (the attach functions do
 * that by themselves), or by triggers. After a pooled transaction nobody is attached; were that looked at by each
 * statement, the plans would be thrown away before the next one attaches a session with the same shapes.
 */
bool
plan_mark_may_run_plans(const PlannedStmt *plan)
{
	ListCell   *cell;

	foreach(cell, plan->invalItems)
	{
		if (!is_harmless(plan->invalItems, lfirst(cell)))
			return true;
	}
	return plan->commandType != CMD_SELECT || plan->hasModifyingCTE;
}

/*
 * Called where statements begin, and by the attach functions: if something is folded that the session of now does not
 * have, the plans go, before one of them is chosen. A session that is over is left to the executor guard.
 */
void
plan_mark_check_plans(void)
{
	SessionEntry *entry;
	uint64		version;

	if ((nfolded == 0 && !folded_overflow) || session_current(&entry) == SESSION_OVER)
		return;
	version = entry == NULL ? 0 : entry->version;
	if (version == checked_version && shape_names_epoch() == checked_names)
		return;
	checked_names = shape_names_epoch();
	for (int i = 0; i < nfolded && !folded_overflow; i++)
	{
		if (present_shape(entry, &folded[i].question) != folded[i].shape)
			folded_overflow = true;
	}
	if (folded_values != 0 && !folded_overflow && !are_present_values(entry, folded_values))
		folded_overflow = true;
	if (folded_overflow)
		plan_mark_invalidate();
	checked_version = version;
}

/* A signal has come in that may concern the bound session, or everybody. */
static void
signal_came(bool everybody, uint32 signal)
{
	if (everybody || session_listens_to(signal))
		plan_mark_invalidate();
}

/* SQL: spsa.attach_support(internal) */
PG_FUNCTION_INFO_V1(spsa_attach_support);
Datum
spsa_attach_support(PG_FUNCTION_ARGS)
{
	SupportRequestSimplify *request = (SupportRequestSimplify *) PG_GETARG_POINTER(0);

	if (IsA(request, SupportRequestSimplify) && request->root != NULL)
		add_item(request->root->glob, ITEM_HARMLESS,
				 GetSysCacheHashValue1(PROCOID, ObjectIdGetDatum(request->fcall->funcid)));
	PG_RETURN_POINTER(NULL);
}

void
plan_mark_init(void)
{
	signal_add_listener(signal_came);
	session_set_attached(plan_mark_check_plans);
}
