/* no_scan.c - where nothing is granted, nothing is scanned.
 *
 * PostgreSQL leaves a relation out when its only condition is constantly false; with a condition of the user's beside it,
 * it scans and filters. This does the same for a relation under row-level security whatever stands beside.
 */
#include "postgres.h"

#include "optimizer/pathnode.h"
#include "optimizer/paths.h"

#include "enforce/no_scan.h"

static set_rel_pathlist_hook_type previous_pathlist = NULL;

static bool
is_false(const Expr *clause)
{
	const Const *constant = (const Const *) clause;

	return IsA(clause, Const) && (constant->constisnull || !DatumGetBool(constant->constvalue));
}

static void
leave_out(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte)
{
	ListCell   *cell;

	if (previous_pathlist != NULL)
		previous_pathlist(root, rel, rti, rte);
	if (rte->rtekind != RTE_RELATION || rte->securityQuals == NIL)
		return;
	foreach(cell, rel->baserestrictinfo)
	{
		if (is_false(((const RestrictInfo *) lfirst(cell))->clause))
		{
			mark_dummy_rel(rel);
			return;
		}
	}
}

void
no_scan_init(void)
{
	previous_pathlist = set_rel_pathlist_hook;
	set_rel_pathlist_hook = leave_out;
}
