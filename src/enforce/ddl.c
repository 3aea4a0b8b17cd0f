/* ddl.c - what happens to the configuration when what it speaks of is dropped, renamed or moved, and what DDL is refused.
 *
 * Invariant 1: a grant never dangles and never passes to something else. What is dropped is forgotten, so that a thing
 * made later under its name, or its OID, inherits nothing. Columns are known by number: field permissions and protected
 * fields follow a rename. Functions are known by signature: grants of one that is renamed or moved are forgotten, and to
 * take its name from a protected one is refused, for it would be unprotected under the new one.
 *
 * These triggers run with everybody's DDL, with the rights of the extension's owner. Renames alone, and drops, are looked
 * at; nobody is kept from DDL that concerns nothing of ours.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/event_trigger.h"
#include "lib/stringinfo.h"
#include "nodes/makefuncs.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "base/owner.h"
#include "base/signal.h"
#include "base/table.h"
#include "base/version.h"
#include "enforce/protect.h"
#include "enforce/truncate.h"
#include "grant/function.h"
#include "grant/validate.h"

static EventTriggerData *
event_trigger_data(FunctionCallInfo fcinfo)
{
	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function must be called as an event trigger")));
	return (EventTriggerData *) fcinfo->context;
}

/* ---- drops ---- */

/*
 * Row scopes of a dropped column stay, for they join with others by AND, but match no row any more. (So does one whose
 * column is not known, unless a policy passes its field.)
 */
static OwnerStatement forget_dropped = {
	"WITH dropped AS MATERIALIZED (SELECT d.classid, d.objid, d.objsubid, d.object_identity"
	" FROM pg_catalog.pg_event_trigger_dropped_objects() d),"
	" relation AS MATERIALIZED (SELECT d.objid, d.objsubid FROM dropped d"
	" WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass),"
	" function AS MATERIALIZED (SELECT d.object_identity COLLATE \"C\" AS signature FROM dropped d"
	" WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass),"
	" o AS (DELETE FROM spsa.object_permission p USING relation r WHERE p.object = r.objid AND r.objsubid = 0),"
	" p AS (DELETE FROM spsa.protected_object p USING relation r WHERE p.object = r.objid AND r.objsubid = 0),"
	" s AS (UPDATE spsa.row_scope p SET field_number = 0 FROM relation r WHERE p.object = r.objid AND r.objsubid > 0"
	" AND CASE WHEN p.field_number IS NOT NULL THEN p.field_number = r.objsubid ELSE NOT EXISTS (SELECT"
	" FROM spsa.protected_object o WHERE o.object = p.object AND p.field = ANY (o.row_fields)) END),"
	" f AS (DELETE FROM spsa.field_permission p USING relation r WHERE p.object = r.objid"
	" AND r.objsubid IN (0, p.field_number)),"
	" g AS (DELETE FROM spsa.protected_field p USING relation r WHERE p.object = r.objid"
	" AND r.objsubid IN (0, p.field_number)),"
	" h AS (DELETE FROM spsa.function_permission p USING function d WHERE p.function = d.signature),"
	" m AS (DELETE FROM spsa.masked_view m USING relation r WHERE r.objid IN (m.view, m.object) AND r.objsubid = 0)"
	" DELETE FROM spsa.protected_function p USING function d WHERE p.function = d.signature",
	0
};

/* A column of a root may go and stay in tables below it: there it must be protected by itself. */
static OwnerStatement keep_dropped_fields = {
	"INSERT INTO spsa.protected_field (object, field) SELECT p.object, a.attname"
	" FROM pg_catalog.pg_event_trigger_dropped_objects() d"
	" JOIN spsa.protected_field f ON f.object = d.objid AND f.field_number = d.objsubid"
	" JOIN spsa.protected_object p ON p.root = f.object"
	" JOIN pg_catalog.pg_attribute a ON a.attrelid = p.object AND a.attname = f.field AND NOT a.attisdropped"
	" WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid > 0"
	" AND NOT EXISTS (SELECT FROM spsa.protected_field g WHERE g.object = p.object AND g.field_number = a.attnum)",
	0
};

static OwnerStatement select_dropped_guards = {
	"SELECT d.address_names, d.classid = 'pg_catalog.pg_trigger'::pg_catalog.regclass"
	" FROM pg_catalog.pg_event_trigger_dropped_objects() d"
	" WHERE d.classid IN ('pg_catalog.pg_policy'::pg_catalog.regclass, 'pg_catalog.pg_trigger'::pg_catalog.regclass)",
	0
};

/* The table of a dropped policy or trigger, if it is still there. */
static Oid
table_of_guard(Datum names, char **guard)
{
	Datum	   *elements;
	int			n;

	deconstruct_array(DatumGetArrayTypeP(names), TEXTOID, -1, false, TYPALIGN_INT, &elements, NULL, &n);
	if (n != 3)
		elog(ERROR, "a dropped policy or trigger has %d names", n);
	*guard = TextDatumGetCString(elements[2]);
	return RangeVarGetRelid(makeRangeVar(TextDatumGetCString(elements[0]), TextDatumGetCString(elements[1]), -1), NoLock, true);
}

static void
check_dropped_guards(void)
{
	int			n = owner_execute(&select_dropped_guards, NULL, NULL);
	Datum	   *names = palloc(sizeof(Datum) * (n + 1));
	bool	   *is_trigger = palloc(sizeof(bool) * (n + 1));
	bool		isnull;

	for (int i = 0; i < n; i++)
	{
		names[i] = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull);
		is_trigger[i] = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2, &isnull));
	}
	for (int i = 0; i < n; i++)
	{
		char	   *guard;
		Oid			table = table_of_guard(names[i], &guard);

		if (!OidIsValid(table))
			continue;
		if (is_trigger[i])
			truncate_check_lost_trigger(table, guard);
		else
			protect_check_lost_policy(table, guard);
	}
}

/* ---- renamed columns ---- */

/*
 * The columns of the renamed relation, and of what has its columns from it: heirs and typed tables. (What else depends on
 * a type does no harm.) OFFSET 0 keeps them from being looked for among all columns of the database.
 */
#define COLUMNS \
	"WITH RECURSIVE renamed AS (SELECT c.objid AS oid FROM pg_catalog.pg_event_trigger_ddl_commands() c" \
	" WHERE c.classid = 'pg_catalog.pg_class'::pg_catalog.regclass" \
	" UNION SELECT h.oid FROM renamed r, LATERAL (SELECT i.inhrelid AS oid FROM pg_catalog.pg_inherits i WHERE i.inhparent = r.oid" \
	" UNION ALL SELECT d.objid FROM pg_catalog.pg_class t JOIN pg_catalog.pg_depend d" \
	" ON d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.refobjid = t.reltype" \
	" AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass WHERE t.oid = r.oid AND t.relkind = 'c') h)," \
	" columns AS MATERIALIZED (SELECT r.oid, a.attnum, a.attname FROM renamed r, LATERAL (SELECT a.attnum, a.attname" \
	" FROM pg_catalog.pg_attribute a WHERE a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped OFFSET 0) a)"

#define FOLLOW(table) \
	COLUMNS " UPDATE spsa." table " p SET field = c.attname FROM columns c" \
	" WHERE p.object = c.oid AND p.field_number = c.attnum AND p.field <> c.attname"

static OwnerStatement follow_field_permissions = {FOLLOW("field_permission"), 0};
static OwnerStatement follow_protected_fields = {FOLLOW("protected_field"), 0};

/* ---- renamed functions, and types and schemas in their signatures ---- */

static OwnerStatement select_functions = {
	"SELECT p.function, true FROM spsa.protected_function p UNION ALL SELECT DISTINCT p.function, false"
	" FROM spsa.function_permission p ORDER BY 2 DESC, 1",
	0
};

static OwnerStatement forget_function = {
	"DELETE FROM spsa.function_permission p WHERE p.function = $1", 1, {TEXTOID}
};

/* The name of what was renamed or moved, as it was, if it can stand in a signature. */
static char *
object_name(const Node *object)
{
	if (IsA(object, ObjectWithArgs))
		return strVal(llast(castNode(ObjectWithArgs, unconstify(Node *, object))->objname));
	if (IsA(object, List))
		return strVal(llast((const List *) object));
	return NULL;
}

/* What a command has renamed or moved. */
typedef struct Rename
{
	bool		columns;
	bool		signatures;
	char	   *old_name;		/* NULL: unknown */
} Rename;

static Rename
read_rename(const Node *command)
{
	Rename		rename = {false, false, NULL};

	if (IsA(command, RenameStmt))
	{
		const RenameStmt *statement = (const RenameStmt *) command;

		rename.columns = statement->renameType == OBJECT_COLUMN || statement->renameType == OBJECT_ATTRIBUTE;
		rename.signatures = !rename.columns;
		rename.old_name = statement->renameType == OBJECT_SCHEMA ? statement->subname :
			statement->relation != NULL ? statement->relation->relname : object_name(statement->object);
	}
	else if (IsA(command, AlterObjectSchemaStmt))
	{
		const AlterObjectSchemaStmt *statement = (const AlterObjectSchemaStmt *) command;

		rename.signatures = true;
		rename.old_name = statement->relation != NULL ? statement->relation->relname : object_name(statement->object);
	}
	return rename;
}

static bool
is_word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '$' || IS_HIGHBIT_SET(c);
}

/* Whether a name is one of the identifiers in a signature. */
static bool
has_identifier(const char *signature, const char *name)
{
	const char *c = signature;

	while (*c != '\0')
	{
		StringInfoData word;

		initStringInfo(&word);
		if (*c == '"')
		{
			for (c++; *c != '\0' && !(*c == '"' && c[1] != '"'); c++)
			{
				if (*c == '"')
					c++;
				appendStringInfoChar(&word, *c);
			}
			if (*c == '"')
				c++;
		}
		else if (is_word_char(*c))
		{
			for (; is_word_char(*c); c++)
				appendStringInfoChar(&word, *c);
		}
		else
			c++;
		if (strcmp(word.data, name) == 0)
			return true;
	}
	return false;
}

static OwnerStatement select_criteria = {
	"SELECT f.flow_id, f.flow_name, f.criterion FROM spsa.flow f WHERE f.is_active AND f.criterion IS NOT NULL"
	" ORDER BY f.flow_name",
	0
};

static OwnerStatement switch_off_flow = {
	"UPDATE spsa.flow f SET is_active = false WHERE f.flow_id = $1", 1, {INT4OID}
};

/*
 * Flows whose criterion is gone or has another name now: without it they would run for everybody, and another function may
 * get its name.
 */
static void
switch_off_flows(void)
{
	int			n = owner_execute(&select_criteria, NULL, NULL);
	SPITupleTable *flows = SPI_tuptable;
	bool		isnull;

	for (int i = 0; i < n; i++)
	{
		Datum		flow_id = SPI_getbinval(flows->vals[i], flows->tupdesc, 1, &isnull);
		char	   *criterion = SPI_getvalue(flows->vals[i], flows->tupdesc, 3);

		if (OidIsValid(function_find(criterion)))
			continue;
		owner_execute(&switch_off_flow, &flow_id, NULL);
		ereport(NOTICE,
				(errmsg("flow \"%s\" is switched off, for its criterion %s is gone or has another name",
						SPI_getvalue(flows->vals[i], flows->tupdesc, 2), criterion)));
	}
}

static void
forget_or_refuse(char *signature, bool is_protected, const char *old_name)
{
	Datum		value = CStringGetTextDatum(signature);

	if (is_protected && (old_name == NULL || has_identifier(signature, old_name)))
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("protected function %s would lose its name", signature),
				 errdetail("Under another one it would not be protected."),
				 errhint("Use spsa_unprotect_function() first, and spsa_protect_function() again under its new name.")));
	if (owner_execute(&forget_function, &value, NULL) > 0)
		ereport(NOTICE,
				(errmsg("what permission sets grant on function %s is gone, for it has no longer that name", signature)));
}

static void
check_signatures(const char *old_name)
{
	int			n = owner_execute(&select_functions, NULL, NULL);
	char	  **signatures = palloc(sizeof(char *) * (n + 1));
	bool	   *is_protected = palloc(sizeof(bool) * (n + 1));
	bool		isnull;

	for (int i = 0; i < n; i++)
	{
		signatures[i] = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1);
		is_protected[i] = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2, &isnull));
	}
	for (int i = 0; i < n; i++)
	{
		if (!OidIsValid(function_find(signatures[i])))
			forget_or_refuse(signatures[i], is_protected[i], old_name);
	}
	switch_off_flows();
}

/* ---- what must not be made ---- */

/* A type is called like a function where no function fits exactly: f('literal') is a cast then. */
static OwnerStatement select_impostors = {
	"SELECT p.xmin, p.oid::pg_catalog.regprocedure::pg_catalog.text FROM pg_catalog.pg_extension x"
	" JOIN pg_catalog.pg_proc p ON p.pronamespace = x.extnamespace"
	" WHERE x.extname = 'spsa' AND p.proname LIKE 'spsa\\_%' AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d"
	" WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid AND d.deptype = 'e'"
	" AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.refobjid = x.oid)"
	" UNION ALL SELECT t.xmin, t.oid::pg_catalog.regtype::pg_catalog.text FROM pg_catalog.pg_extension x"
	" JOIN pg_catalog.pg_type t ON t.typnamespace = x.extnamespace"
	" WHERE x.extname = 'spsa' AND t.typname LIKE 'spsa\\_%' AND t.typrelid = 0"
	" AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d"
	" WHERE d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.objid = t.oid AND d.deptype = 'e'"
	" AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.refobjid = x.oid)",
	0
};

/* What keeps the planner from showing values of what no policy guards: see protect_object.c. */
static OwnerStatement select_open_views = {
	"SELECT c.xmin, c.oid::pg_catalog.regclass::pg_catalog.text FROM spsa.protected_object p"
	" JOIN pg_catalog.pg_class c ON c.oid = p.object AND c.relkind = 'v'"
	" WHERE NOT COALESCE((SELECT o.option_value::boolean FROM pg_catalog.pg_options_to_table(c.reloptions) o"
	" WHERE o.option_name = 'security_barrier'), false)",
	0
};

static OwnerStatement select_statistics = {
	"SELECT x.xmin, p.object::pg_catalog.text FROM spsa.protected_object p"
	" JOIN pg_catalog.pg_class c ON c.oid = p.object AND c.relkind IN ('m', 'f'), LATERAL ("
	"SELECT a.xmin FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
	" AND COALESCE(a.attstattarget, -1) <> 0"
	" UNION ALL SELECT s.xmin FROM pg_catalog.pg_statistic_ext s WHERE s.stxrelid = c.oid"
	" UNION ALL SELECT i.xmin FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indexprs IS NOT NULL) x",
	0
};

static OwnerStatement select_narrow_policies = {
	"SELECT p.xmin, p.polname::pg_catalog.text FROM spsa.masked_view m"
	" JOIN pg_catalog.pg_policy p ON p.polrelid = m.object AND NOT p.polpermissive AND p.polroles <> '{0}'",
	0
};

/*
 * The name in the first row that this transaction has made, or NULL. What others have made, by whatever way, must not
 * stand in the way of everybody's DDL.
 */
static char *
made_now(OwnerStatement *statement)
{
	int			n = owner_execute(statement, NULL, NULL);
	bool		isnull;

	for (int i = 0; i < n; i++)
	{
		TransactionId made_by = DatumGetTransactionId(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull));

		if (TransactionIdIsCurrentTransactionId(made_by))
			return SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2);
	}
	return NULL;
}

static void
refuse_impostors(void)
{
	char	   *name = made_now(&select_impostors);

	if (name != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_FUNCTION),
				 errmsg("%s would stand beside the functions of extension spsa", name),
				 errdetail("It could be called in place of one of them."),
				 errhint("Choose another name or another schema.")));
}

static void
refuse_statistics(void)
{
	char	   *name = made_now(&select_open_views);

	if (name != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("protected view \"%s\" must be a security barrier", name),
				 errhint("Say WITH (security_barrier) in CREATE OR REPLACE VIEW, or use spsa_unprotect() first.")));
	name = made_now(&select_statistics);
	if (name != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("protected relation \"%s\" must not have statistics", name),
				 errdetail("The planner would compare them by operators of any user's, before permissions are checked."),
				 errhint("Leave out extended statistics and indexes on expressions, and say ALTER COLUMN ... SET STATISTICS 0 in the command that adds a column; or use spsa_unprotect() first.")));
}

static void
refuse_narrow_policies(void)
{
	char	   *name = made_now(&select_narrow_policies);

	if (name != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("restrictive policy \"%s\" of a table with a masked view cannot be for particular roles", name),
				 errdetail("Masked views read with the rights of a role of their own, to which it would not apply."),
				 errhint("Make the policy one for PUBLIC that asks for current_user.")));
}

/* Frequent commands that make or rename neither functions nor types, but row types. */
static bool
makes_no_function(const Node *command)
{
	switch (nodeTag(command))
	{
		case T_CreateStmt:
		case T_CreateTableAsStmt:
		case T_IndexStmt:
		case T_AlterTableStmt:
		case T_ViewStmt:
		case T_RefreshMatViewStmt:
		case T_CreateSeqStmt:
		case T_AlterSeqStmt:
		case T_CommentStmt:
		case T_GrantStmt:
		case T_DropStmt:
			return true;
		default:
			return false;
	}
}

/* Functions that went without an event trigger, with something temporary that they depend on. */
static void
forget_functions_that_are_gone(void)
{
	int			n = owner_execute(&select_functions, NULL, NULL);
	char	  **signatures = palloc(sizeof(char *) * (n + 1));

	for (int i = 0; i < n; i++)
		signatures[i] = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1);
	for (int i = 0; i < n; i++)
	{
		Datum		signature = CStringGetTextDatum(signatures[i]);

		if (!OidIsValid(function_find(signatures[i])))
			owner_execute(&forget_function, &signature, NULL);
	}
	switch_off_flows();
}

/* Whether the command may give a function a name that it did not have. */
static bool
names_function(const Node *command)
{
	Rename		rename = read_rename(command);

	return rename.signatures || IsA(command, CreateFunctionStmt) ||
		(IsA(command, DefineStmt) && ((const DefineStmt *) command)->kind == OBJECT_AGGREGATE);
}

/* ---- the event triggers ---- */

/* SQL: spsa.on_sql_drop() */
PG_FUNCTION_INFO_V1(spsa_on_sql_drop);
Datum
spsa_on_sql_drop(PG_FUNCTION_ARGS)
{
	OwnerState	state;

	(void) event_trigger_data(fcinfo);
	if (!OidIsValid(table_schema()))
		PG_RETURN_NULL();
	owner_begin_latest(&state);
	check_dropped_guards();
	owner_execute(&keep_dropped_fields, NULL, NULL);
	owner_execute(&forget_dropped, NULL, NULL);
	switch_off_flows();
	owner_end(&state);
	PG_RETURN_NULL();
}

/* SQL: spsa.before_ddl() */
PG_FUNCTION_INFO_V1(spsa_before_ddl);
Datum
spsa_before_ddl(PG_FUNCTION_ARGS)
{
	OwnerState	state;

	if (!names_function(event_trigger_data(fcinfo)->parsetree) || !OidIsValid(table_schema()))
		PG_RETURN_NULL();
	owner_begin_latest(&state);
	forget_functions_that_are_gone();
	owner_end(&state);
	PG_RETURN_NULL();
}

static bool
switches_guards_only(const AlterTableStmt *command)
{
	ListCell   *cell;

	foreach(cell, command->cmds)
	{
		switch (((const AlterTableCmd *) lfirst(cell))->subtype)
		{
			case AT_EnableRowSecurity:
			case AT_DisableRowSecurity:
			case AT_ForceRowSecurity:
			case AT_NoForceRowSecurity:
			case AT_EnableAlwaysTrig:
				break;
			default:
				return false;
		}
	}
	return true;
}

/*
 * Policies and triggers made, dropped and switched: what protect.c does itself, many times and while a tree is protected in
 * part only. Neither names nor trees change.
 */
static bool
is_about_guards(const Node *command)
{
	switch (nodeTag(command))
	{
		case T_CreatePolicyStmt:
		case T_CreateTrigStmt:
			return true;
		case T_DropStmt:
			return ((const DropStmt *) command)->removeType == OBJECT_POLICY ||
				((const DropStmt *) command)->removeType == OBJECT_TRIGGER;
		case T_AlterTableStmt:
			return switches_guards_only((const AlterTableStmt *) command);
		default:
			return false;
	}
}

/* As the extension's owner. */
static void
check_names(const Node *command)
{
	Rename		rename = read_rename(command);

	if (!makes_no_function(command))
		refuse_impostors();
	refuse_statistics();
	if (rename.columns)
	{
		owner_execute(&follow_field_permissions, NULL, NULL);
		owner_execute(&follow_protected_fields, NULL, NULL);
	}
	if (rename.signatures)
	{
		validate_hold_names(ShareLock);
		check_signatures(rename.old_name);
	}
}

/* SQL: spsa.on_ddl() */
PG_FUNCTION_INFO_V1(spsa_on_ddl);
Datum
spsa_on_ddl(PG_FUNCTION_ARGS)
{
	const Node *command = event_trigger_data(fcinfo)->parsetree;
	bool		about_guards = is_about_guards(command);
	OwnerState	state;

	if (!OidIsValid(table_schema()))
		PG_RETURN_NULL();
	if (version_is_changed_by(command))
		signal_everything();
	owner_begin_latest(&state);
	if (!about_guards)
		check_names(command);
	if (IsA(command, CreatePolicyStmt) || IsA(command, AlterPolicyStmt))
		refuse_narrow_policies();
	owner_end(&state);
	if (!about_guards)
		protect_follow_tree(command);
	PG_RETURN_NULL();
}
