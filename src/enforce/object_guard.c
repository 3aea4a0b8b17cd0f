/* object_guard.c - protected fields, objects that row-level security cannot guard, and objects that refuse.
 *
 * Invariant: wherever PostgreSQL checks the privileges of a statement (ExecutorCheckPerms_hook: each execution, EXPLAIN,
 * COPY, foreign-key checks), each protected field that is selected, inserted or updated must be granted, a whole row being
 * all of them; so must the privilege on an object that is no table, for all of its rows since nothing filters them; and of
 * an object with on_denied = error. This applies exactly where row-level security does: to the role by whose rights the
 * relation is read (checkAsUser), unless that is exempt.
 *
 * Workers of a parallel plan run what their leader has checked; what functions run in them is checked there.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "catalog/pg_class.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "parser/parsetree.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"

#include "base/compat.h"
#include "base/guc.h"
#include "base/table.h"
#include "enforce/executor_guard.h"
#include "enforce/masked_view.h"
#include "enforce/object_guard.h"
#include "grant/protection.h"
#include "grant/shape.h"

static ExecutorCheckPerms_hook_type previous_check = NULL;
static bool trusted = false;	/* a worker starts what its leader has checked */

/* What each of PostgreSQL's privileges amounts to. */
static const struct
{
	AclMode		required;
	Privilege	privilege;
}			privileges[] = {
	{ACL_SELECT, PRIVILEGE_READ}, {ACL_INSERT, PRIVILEGE_CREATE}, {ACL_UPDATE, PRIVILEGE_EDIT}, {ACL_DELETE, PRIVILEGE_DELETE}
};

/* ---- refusals ---- */

static bool
is_table(char relkind)
{
	return relkind == RELKIND_RELATION || relkind == RELKIND_PARTITIONED_TABLE;
}

/* A hint that never names what is not assigned. */
static int
hint(const SessionEntry *entry, const char *set)
{
	if (entry == NULL)
		return errhint("Attach a session with spsa_attach() or spsa_attach_connection().");
	if (set == NULL)
		return errhint("No permission set that is assigned to the user grants it.");
	return errhint("Activate permission set \"%s\" with spsa_activate_own().", set);
}

static void
refuse_object(SessionEntry *entry, Oid object, Privilege privilege)
{
	char	   *set = entry == NULL ? NULL : effective_set_to_activate(entry, object, privilege, REACH_SOME);
	char	   *name = get_rel_name(object);

	session_log_refusal(privilege == PRIVILEGE_READ ? "read" : "write",
						psprintf("no effective permission set grants \"%s\" on \"%s\"", privilege_names[privilege], name));
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 get_rel_relkind(object) == RELKIND_SEQUENCE ?
			 errmsg("permission denied to %s sequence \"%s\"", privilege_names[privilege], name) :
			 errmsg("permission denied to %s rows of \"%s\"", privilege_names[privilege], name),
			 hint(entry, set)));
}

/* privilege: read or edit; on_object: what must be granted on the object besides */
static void
refuse_field(SessionEntry *entry, Oid object, AttrNumber number, Privilege privilege, Privilege on_object)
{
	char	   *field = get_attname(object, number, false);
	char	   *set = NULL;

	if (entry != NULL)
		set = effective_reach(entry, object, on_object) == REACH_NONE ?
			effective_set_to_activate(entry, object, on_object, REACH_SOME) :
			effective_set_for_field(entry, object, number, privilege);
	session_log_refusal(privilege == PRIVILEGE_READ ? "read" : "write",
						psprintf("no effective permission set grants \"%s\" on field \"%s\" of \"%s\"",
								 privilege_names[privilege], field, get_rel_name(object)));
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to %s field \"%s\" of \"%s\"", privilege_names[privilege], field, get_rel_name(object)),
			 hint(entry, set)));
}

/* ---- where it applies ---- */

/* The rows proposed to ON CONFLICT (excluded) are said to be of a composite type. */
static bool
is_of_table(const PermissionInfo *rte)
{
	char		kind = PERMISSIONS_RELKIND(rte);

	return is_table(kind == RELKIND_COMPOSITE_TYPE ? get_rel_relkind(rte->relid) : kind);
}

/* Of an object that row-level security cannot guard. */
static bool
applies_to_role(const ProtectedObject *object, Oid role)
{
	return !has_bypassrls_privilege(role) && (object->force || !pg_class_ownercheck(object->object, role));
}

/* The same for explanations. */
bool
object_guard_applies(const ProtectedObject *object, Oid role)
{
	return applies_to_role(object, role);
}

/* Exactly where row-level security applies; or would, of what it cannot guard. */
static bool
applies(const PermissionInfo *rte, const ProtectedObject *object)
{
	if (is_of_table(rte))
		return check_enable_rls(rte->relid, rte->checkAsUser, true) == RLS_ENABLED;
	return applies_to_role(object, OidIsValid(rte->checkAsUser) ? rte->checkAsUser : GetUserId());
}

/* Whether the plan reads or writes a protected object that no policy guards: it is checked like one with folded policies. */
bool
object_guard_concerns(const PlannedStmt *plan)
{
	ListCell   *cell;

	foreach(cell, PERMISSIONS_OF_PLAN(plan))
	{
		const PermissionInfo *rte = lfirst(cell);
		const ProtectedObject *object;

		if (!PERMISSIONS_ARE_OF_RELATION(rte) || rte->requiredPerms == 0 || is_of_table(rte))
			continue;
		object = protection_of(rte->relid);
		if (object != NULL && applies(rte, object))
			return true;
	}
	return false;
}

/* ---- objects ---- */

/* Whether what is asked of an object is granted. Policies see to which rows of a table. */
static bool
check_object(SessionEntry *entry, const PermissionInfo *rte, bool report)
{
	Reach		least = is_of_table(rte) ? REACH_SOME : REACH_ALL;

	for (int i = 0; i < lengthof(privileges); i++)
	{
		if ((rte->requiredPerms & privileges[i].required) == 0 ||
			(entry != NULL && effective_reach(entry, rte->relid, privileges[i].privilege) >= least))
			continue;
		if (report)
			refuse_object(entry, rte->relid, privileges[i].privilege);
		return false;
	}
	return true;
}

static void
check_write(SessionEntry *entry, const PermissionInfo *rte)
{
	const ProtectedObject *object = protection_of(rte->relid);

	if (object == NULL || !object->listed || !is_of_table(rte) || !applies(rte, object))
		return;
	for (int i = 0; i < lengthof(privileges); i++)
	{
		if (privileges[i].privilege != PRIVILEGE_READ && (rte->requiredPerms & privileges[i].required) != 0 &&
			(entry == NULL || effective_reach(entry, rte->relid, privileges[i].privilege) == REACH_NONE))
			refuse_object(entry, rte->relid, privileges[i].privilege);
	}
}

/* A write to a table whose privilege nothing grants at all is refused, and not UPDATE 0. */
void
object_guard_check_writes(SessionEntry *entry, const PlannedStmt *plan)
{
	ListCell   *cell;

	foreach(cell, plan->resultRelations)
	{
		const PermissionInfo *rte = PERMISSIONS_IN_PLAN(plan, rt_fetch(lfirst_int(cell), plan->rtable));

		/* Those of an object's children are not asked for. */
		if (rte != NULL)
			check_write(entry, rte);
	}
}

/* ---- fields ---- */

static bool
has_column(const Bitmapset *columns, AttrNumber number)
{
	return bms_is_member(number - FirstLowInvalidHeapAttributeNumber, columns);
}

/* Whether a column, or with it the whole row, is among those that a statement names. */
static bool
names_column(const Bitmapset *columns, AttrNumber number)
{
	return number > 0 && (has_column(columns, number) || has_column(columns, InvalidAttrNumber));
}

static bool
grants_field(SessionEntry *entry, Oid object, AttrNumber number, QuestionKind kind)
{
	Question	question = {kind, object, (uint32) number};

	return entry != NULL && shape_of(entry, &question)->reach == REACH_ALL;
}

/*
 * Whether the statement reads a column. UPDATE of a foreign table reads all: errors show rows that were refused, those of the
 * other server above all, where no row-level security tells PostgreSQL not to.
 */
static bool
reads_column(const PermissionInfo *rte, AttrNumber number)
{
	if (PERMISSIONS_RELKIND(rte) == RELKIND_FOREIGN_TABLE && (rte->requiredPerms & ACL_UPDATE) != 0)
		return number > 0;
	return names_column(rte->selectedCols, number);
}

/* One protected column. */
static bool
check_column(SessionEntry *entry, const PermissionInfo *rte, AttrNumber number, bool report)
{
	const struct
	{
		bool		is_made;
		QuestionKind kind;
		Privilege	privilege;
		Privilege	on_object;
	}			uses[] = {
		{reads_column(rte, number), QUESTION_FIELD_READ, PRIVILEGE_READ, PRIVILEGE_READ},
		{names_column(rte->insertedCols, number), QUESTION_FIELD_CREATE, PRIVILEGE_EDIT, PRIVILEGE_CREATE},
		{names_column(rte->updatedCols, number), QUESTION_FIELD_EDIT, PRIVILEGE_EDIT, PRIVILEGE_EDIT}
	};

	for (int i = 0; i < lengthof(uses); i++)
	{
		if (!uses[i].is_made || grants_field(entry, rte->relid, number, uses[i].kind))
			continue;
		if (report)
			refuse_field(entry, rte->relid, number, uses[i].privilege, uses[i].on_object);
		return false;
	}
	return true;
}

/* The column that is meant: of a field of the table that this one is protected with, the one of its name. */
static AttrNumber
column_of(const PermissionInfo *rte, const FieldGrant *field)
{
	char	   *name;

	if (field->object == rte->relid)
		return field->number;
	name = get_attname(field->object, field->number, true);
	return name == NULL ? InvalidAttrNumber : get_attnum(rte->relid, name);
}

/* A column that was renamed is protected by its number, and what has taken its name is as well. */
static bool
check_fields(SessionEntry *entry, const PermissionInfo *rte, List *fields, bool report)
{
	ListCell   *cell;

	foreach(cell, fields)
	{
		const FieldGrant *field = lfirst(cell);
		AttrNumber	of_number = column_of(rte, field);
		AttrNumber	of_name = get_attnum(rte->relid, NameStr(field->field));

		if (!check_column(entry, rte, of_number, report) ||
			(of_name != of_number && !check_column(entry, rte, of_name, report)))
			return false;
	}
	return true;
}

static bool
check_all_fields(SessionEntry *entry, const PermissionInfo *rte, const ProtectedObject *object, bool report)
{
	return check_fields(entry, rte, object->fields, report) && check_fields(entry, rte, object->root_fields, report);
}

/* Read by a masked view, which shows no field that is not granted. Asked only of what would be refused. */
static bool
is_masked(const PermissionInfo *rte)
{
	return rte->requiredPerms == ACL_SELECT && masked_view_exempts(rte->checkAsUser);
}

/* ---- the hook ---- */

/* The valid session or NULL; false: it is over, or missing where one is required. */
bool
object_guard_session(SessionEntry **entry, bool report)
{
	switch (session_current(entry))
	{
		case SESSION_LIVE:
			return true;
		case SESSION_OVER:
			if (report)
				session_raise_invalid();
			return false;
		case SESSION_NONE:
			break;
	}
	if (guc_require_session && report)
		session_raise_missing();
	return !guc_require_session;
}

/* Nothing that is called here asks what is protected: the object's fields stay. */
static bool
check_entry(const PermissionInfo *rte, const ProtectedObject *object, bool report)
{
	SessionEntry *entry;
	bool		guards_object = object->listed && (object->raises || !is_of_table(rte));

	/* Of most tables, policies say it all. */
	if (!guards_object && object->fields == NIL && object->root_fields == NIL)
		return true;
	if (!applies(rte, object))
		return true;
	if (!object_guard_session(&entry, report))
		return false;
	if (guards_object && !check_object(entry, rte, report))
		return false;
	if (check_all_fields(entry, rte, object, false) || is_masked(rte))
		return true;
	return report && check_all_fields(entry, rte, object, true);
}

/* Whether a function may be called for a sequence (or whatever its OID is of). Good for whoever is the present user. */
bool
object_guard_check_sequence(Oid sequence, Privilege privilege, bool report)
{
	const ProtectedObject *object = protection_of(sequence);
	Question	question = question_object(sequence, privilege);
	SessionEntry *entry;

	if (object == NULL || !object->listed || !applies_to_role(object, GetUserId()))
		return true;
	if (!object_guard_session(&entry, report))
		return false;
	if (entry != NULL && shape_of(entry, &question)->reach == REACH_ALL)
	{
		executor_guard_note_call();
		return true;
	}
	if (report)
		refuse_object(entry, sequence, privilege);
	return false;
}

static bool
check_permissions(CHECK_PERMISSIONS_PARAMETERS)
{
	ListCell   *cell;

	if (previous_check != NULL && !previous_check(CHECK_PERMISSIONS_ARGUMENTS))
		return false;
	if (trusted)
		return true;
	foreach(cell, permissions)
	{
		const PermissionInfo *rte = lfirst(cell);
		const ProtectedObject *object;

		if (!PERMISSIONS_ARE_OF_RELATION(rte) || rte->requiredPerms == 0 || !protection_may_concern(rte->relid))
			continue;
		object = protection_of(rte->relid);
		if (object != NULL && !check_entry(rte, object, report))
			return false;
	}
	return true;
}

/* What it was before. No error is caught in a worker, so none needs to restore it. */
bool
object_guard_trust(bool trust)
{
	bool		before = trusted;

	trusted = trust;
	return before;
}

void
object_guard_init(void)
{
	previous_check = ExecutorCheckPerms_hook;
	ExecutorCheckPerms_hook = check_permissions;
}
