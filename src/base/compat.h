/* compat.h - the one place that knows PostgreSQL versions.
 *
 * Supported and tested: 15, 17 and 18 (make matrix). No Debian has 16, so it is not: an untested guard is none. Whatever a later
 * major changes is bridged here, each bridge naming the change and the major that came with it. What has a new name has it
 * here under the old one; on 15 everything compiles to what it would be without this file.
 */
#ifndef SPSA_COMPAT_H
#define SPSA_COMPAT_H

#if PG_VERSION_NUM < 150000 || (PG_VERSION_NUM >= 160000 && PG_VERSION_NUM < 170000) || PG_VERSION_NUM >= 190000
#error "spsa supports PostgreSQL 15, 17 and 18"
#endif

/* systable_inplace_update_begin() came with the fixes of November 2024. */
#if PG_VERSION_NUM < 150009 || (PG_VERSION_NUM >= 170000 && PG_VERSION_NUM < 170001)
#error "spsa needs PostgreSQL 15.9, 17.1, or a later minor release"
#endif

/* ---- permissions that a statement asks for ---- */

/*
 * 16 moved them (requiredPerms, checkAsUser, selectedCols, insertedCols, updatedCols) from the range table's entries to a list
 * of their own, which has no entries for what is not checked. There, a view that was expanded has one; up to 15 it had an
 * entry in the range table that stood for it alone.
 *
 * PERMISSIONS_OF_PLAN: all of a PlannedStmt, as a list of PermissionInfo. PERMISSIONS_IN_QUERY, PERMISSIONS_IN_PLAN: those of an
 * entry of the range table; NULL: there are none.
 */
#if PG_VERSION_NUM >= 160000
#include "parser/parse_relation.h"

typedef RTEPermissionInfo PermissionInfo;

static inline const PermissionInfo *
compat_permissions(List *permissions, const RangeTblEntry *rte)
{
	return rte->perminfoindex == 0 ? NULL : getRTEPermissionInfo(permissions, unconstify(RangeTblEntry *, rte));
}

#define PERMISSIONS_OF_PLAN(plan) ((plan)->permInfos)
#define PERMISSIONS_IN_QUERY(query, rte) compat_permissions((query)->rteperminfos, rte)
#define PERMISSIONS_IN_PLAN(plan, rte) compat_permissions((plan)->permInfos, rte)
#define PERMISSIONS_ARE_OF_RELATION(info) true
#define PERMISSIONS_RELKIND(info) get_rel_relkind((info)->relid)
#define CHECK_PERMISSIONS_PARAMETERS List *range_table, List *permissions, bool report
#define CHECK_PERMISSIONS_ARGUMENTS range_table, permissions, report
#else
#include "nodes/parsenodes.h"

typedef RangeTblEntry PermissionInfo;

#define PERMISSIONS_OF_PLAN(plan) ((plan)->rtable)
#define PERMISSIONS_IN_QUERY(query, rte) (rte)
#define PERMISSIONS_IN_PLAN(plan, rte) (rte)
#define PERMISSIONS_ARE_OF_RELATION(info) ((info)->rtekind == RTE_RELATION)
#define PERMISSIONS_RELKIND(info) ((info)->relkind)
#define CHECK_PERMISSIONS_PARAMETERS List *permissions, bool report
#define CHECK_PERMISSIONS_ARGUMENTS permissions, report
#endif

/* 16: as above. Nothing is asked for any more by a plan whose maker has seen to it. */
#include "nodes/plannodes.h"

static inline void
compat_plan_without_permissions(PlannedStmt *plan)
{
	ListCell   *cell;

	foreach(cell, plan->rtable)
	{
		RangeTblEntry *rte = lfirst(cell);

#if PG_VERSION_NUM >= 160000
		rte->perminfoindex = 0;
#else
		rte->requiredPerms = 0;
#endif
	}
#if PG_VERSION_NUM >= 160000
	plan->permInfos = NIL;
#endif
}

#if PG_VERSION_NUM >= 160000
#define QUERY_TAKE_PERMISSIONS(query, state) ((query)->rteperminfos = (state)->p_rteperminfos)
#else
#define QUERY_TAKE_PERMISSIONS(query, state) ((void) 0)
#endif

/* ---- rights ---- */

/* 16 replaced these families of functions by one with the catalog as an argument. */
#if PG_VERSION_NUM >= 160000
#define pg_class_ownercheck(relation, role) object_ownercheck(RelationRelationId, relation, role)
#define pg_proc_ownercheck(function, role) object_ownercheck(ProcedureRelationId, function, role)
#define pg_proc_aclcheck(function, role, mode) object_aclcheck(ProcedureRelationId, function, role, mode)
#endif

/* ---- settings ---- */

/* 16 keeps settings in a hash table, and what hooks keep of a value in a memory context: it frees that by itself. */
#if PG_VERSION_NUM >= 160000
#define GUC_EXTRA_ALLOC(size) guc_malloc(LOG, size)
#define GUC_FIND(name) find_option(name, false, true, 0)
#else
#include "utils/guc_tables.h"

static inline struct config_generic *
compat_find_setting(const char *name)
{
	struct config_generic **variables = get_guc_variables();

	for (int i = 0; i < GetNumConfigOptions(); i++)
	{
		if (strcmp(variables[i]->name, name) == 0)
			return variables[i];
	}
	return NULL;
}

#define GUC_EXTRA_ALLOC(size) malloc(size)
#define GUC_FIND(name) compat_find_setting(name)
#endif

/* ---- transactions ---- */

/* 17 put the two halves of the virtual transaction's number into a structure. */
#if PG_VERSION_NUM >= 170000
#define MY_LXID (MyProc->vxid.lxid)
#else
#define MY_LXID (MyProc->lxid)
#endif

/* ---- the executor ---- */

/* 18 does not tell any more whether a plan is run once. */
#if PG_VERSION_NUM >= 180000
#define EXECUTOR_RUN_PARAMETERS QueryDesc *query, ScanDirection direction, uint64 count
#define EXECUTOR_RUN_ONCE true
#define EXECUTOR_RUN_ARGUMENTS(query, direction, count, once) query, direction, count
#else
#define EXECUTOR_RUN_PARAMETERS QueryDesc *query, ScanDirection direction, uint64 count, bool execute_once
#define EXECUTOR_RUN_ONCE execute_once
#define EXECUTOR_RUN_ARGUMENTS(query, direction, count, once) query, direction, count, once
#endif

/* 16 takes the permissions that are asked for, 18 the relations that pruning has left, as src/backend/replication does. */
#if PG_VERSION_NUM >= 160000
#include "executor/executor.h"

static inline List *
compat_no_permissions(RangeTblEntry *rte)
{
	List	   *permissions = NIL;

	(void) addRTEPermissionInfo(&permissions, rte);
	return permissions;
}
#endif
#if PG_VERSION_NUM >= 180000
#define ExecInitRangeTable(estate, entries) \
	ExecInitRangeTable(estate, entries, compat_no_permissions(linitial(entries)), bms_make_singleton(1))
#elif PG_VERSION_NUM >= 160000
#define ExecInitRangeTable(estate, entries) ExecInitRangeTable(estate, entries, compat_no_permissions(linitial(entries)))
#endif

/* 16 can leave out indexes other than summarizing ones (BRIN). */
#if PG_VERSION_NUM >= 160000
#define ExecInsertIndexTuples(target, slot, estate, is_update, no_error, conflict, arbiters) \
	ExecInsertIndexTuples(target, slot, estate, is_update, no_error, conflict, arbiters, false)
#endif

/* 18 can be told of a row that is no conflict. */
#if PG_VERSION_NUM >= 180000
#define ExecCheckIndexConstraints(target, slot, estate, other, arbiters) \
	ExecCheckIndexConstraints(target, slot, estate, other, NULL, arbiters)
#endif

/* 18 counts what index scans do for EXPLAIN. */
#if PG_VERSION_NUM >= 180000
#include "access/genam.h"
#define index_beginscan(table, index, snapshot, nkeys, norderbys) index_beginscan(table, index, snapshot, NULL, nkeys, norderbys)
#endif

/* 18 asks whether a key that is deferrable will do; up to 17 it did not. */
#if PG_VERSION_NUM >= 180000
#include "utils/relcache.h"
#define RelationGetPrimaryKeyIndex(relation) RelationGetPrimaryKeyIndex(relation, false)
#endif

/* ---- catalogs ---- */

/* 18 has generated columns that are computed where they are read. */
#if PG_VERSION_NUM < 180000
#define ATTRIBUTE_GENERATED_VIRTUAL 'v'
#endif

/* ---- the compiler ---- */

/* 18 writes pg_noreturn before a declaration. */
#if PG_VERSION_NUM >= 180000
#define pg_attribute_noreturn() __attribute__((noreturn))
#endif

#endif							/* SPSA_COMPAT_H */
