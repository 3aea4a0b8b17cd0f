/* protect_tree.c - partitions and inheritance children of protected tables.
 *
 * PostgreSQL checks the policies of the table that a query names, and no others: through the top of a tree those of the
 * top, through a child the child's. So every table of a tree has policies, and all ask for permissions on the top (the
 * root).
 *
 * Invariant: no row of a protected table can be reached through a table that is not protected, or that is protected with
 * another. So a table cannot be protected without those above it, nothing above a protected table is without protection,
 * and what comes to stand below one is protected in the same command or refused. Which tables these are is seen by the state
 * of the catalog at the end of the command, not by its text. What leaves the tree stays as it is.
 *
 * Rights: policies of a table are made as whoever runs the command, who must own it; the configuration is written as the
 * extension's owner.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "rewrite/rowsecurity.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/compat.h"
#include "base/owner.h"
#include "enforce/policy_call.h"
#include "enforce/protect.h"
#include "identity/session.h"

/* ---- the tree ---- */

/* The object and all below it, those above first. Partitions that are about to be detached belong to it. */
List *
protect_tree(Oid object, LOCKMODE lockmode)
{
	List	   *tables = list_make1_oid(object);
	ListCell   *cell;
	ListCell   *child;

	foreach(cell, tables)
	{
		foreach(child, find_inheritance_children_extended(lfirst_oid(cell), false, lockmode, NULL, NULL))
			tables = list_append_unique_oid(tables, lfirst_oid(child));
	}
	return tables;
}

static List *
parents_of(Oid object)
{
	List	   *parents = NIL;
	Relation	relation = table_open(InheritsRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	row;

	ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(object));
	scan = systable_beginscan(relation, InheritsRelidSeqnoIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(row = systable_getnext(scan)))
		parents = lappend_oid(parents, ((Form_pg_inherits) GETSTRUCT(row))->inhparent);
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return parents;
}

bool
protect_has_parent(Oid object)
{
	return parents_of(object) != NIL;
}

static Oid
top_of(Oid object)
{
	List	   *parents = parents_of(object);

	return parents == NIL ? object : top_of(linitial_oid(parents));
}

/* ---- what is protected ---- */

static OwnerStatement select_root = {
	"SELECT COALESCE(p.root, p.object) FROM spsa.protected_object p WHERE p.object = $1", 1, {REGCLASSOID}
};

/* Whether the object is protected, and whose permissions count. */
bool
protect_find_root(Oid object, Oid *root)
{
	Datum		value = ObjectIdGetDatum(object);
	OwnerState	state;
	bool		found;
	bool		isnull;

	*root = InvalidOid;
	owner_begin_latest(&state);
	found = owner_execute(&select_root, &value, NULL) > 0;
	if (found)
		*root = DatumGetObjectId(owner_result(1, &isnull));
	owner_end(&state);
	return found;
}

static OwnerStatement select_left = {
	"SELECT p.object FROM spsa.protected_object p WHERE p.root = $1 ORDER BY p.object LIMIT 1", 1, {REGCLASSOID}
};

/* A table that is protected with the object, or InvalidOid. */
static Oid
protected_with(Oid object)
{
	Datum		value = ObjectIdGetDatum(object);
	Oid			found = InvalidOid;
	OwnerState	state;
	bool		isnull;

	owner_begin_latest(&state);
	if (owner_execute(&select_left, &value, NULL) > 0)
		found = DatumGetObjectId(owner_result(1, &isnull));
	owner_end(&state);
	return found;
}

/* ---- what cannot be protected with a table ---- */

static void
refuse_kind(Oid root, Oid table)
{
	if (get_rel_relkind(table) == RELKIND_FOREIGN_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("foreign table \"%s\" cannot be protected with \"%s\"", get_rel_name(table), get_rel_name(root)),
				 errdetail("Row-level security guards tables only: its rows could be reached through it."),
				 errhint("Detach it, or use spsa_unprotect() for \"%s\" first.", get_rel_name(root))));
	if (get_rel_relkind(root) == RELKIND_FOREIGN_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("\"%s\" cannot be protected with foreign table \"%s\"", get_rel_name(table), get_rel_name(root)),
				 errdetail("Row-level security guards tables only: its rows could be reached through that table.")));
	if (get_rel_persistence(table) == RELPERSISTENCE_TEMP)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("temporary table \"%s\" cannot be protected with \"%s\"", get_rel_name(table), get_rel_name(root))));
}

/* former: the root that the tables may have until now */
static void
refuse_protected(Oid root, Oid former, Oid table)
{
	Oid			its_root;
	Oid			other;

	if (protect_find_root(table, &its_root) && its_root != root && its_root != former)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 its_root == table ? errmsg("\"%s\" is protected by itself", get_rel_name(table)) :
				 errmsg("\"%s\" is protected with \"%s\"", get_rel_name(table), get_rel_name(its_root)),
				 errdetail("Below \"%s\" permissions on that table count, and no others.", get_rel_name(root)),
				 errhint("Use spsa_unprotect() for it first; it is protected with \"%s\" then.", get_rel_name(root))));
	other = protected_with(table);
	if (OidIsValid(other))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("\"%s\" cannot be protected with \"%s\": \"%s\" is protected with it", get_rel_name(table),
						get_rel_name(root), get_rel_name(other)),
				 errhint("Use spsa_protect() or spsa_unprotect() for \"%s\" first.", get_rel_name(other))));
}

/* tables: those that are about to be protected with root */
static void
refuse_other_parent(Oid root, List *tables, Oid table)
{
	ListCell   *cell;

	foreach(cell, parents_of(table))
	{
		Oid			parent = lfirst_oid(cell);
		Oid			its_root;

		if (list_member_oid(tables, parent) || (protect_find_root(parent, &its_root) && its_root == root))
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("\"%s\" cannot be protected with \"%s\": it inherits from \"%s\" as well", get_rel_name(table),
						get_rel_name(root), get_rel_name(parent)),
				 errdetail("Its rows could be reached through that table.")));
	}
}

/* Refuses a tree that cannot be protected by its top. The caller holds the locks; that it owns all of it, their DDL asks. */
void
protect_check_tree(Oid object, List *tables)
{
	Oid			former;
	ListCell   *cell;

	if (protect_has_parent(object))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("\"%s\" cannot be protected by itself: it is a partition or inherits from another table", get_rel_name(object)),
				 errdetail("Its rows could be reached through that table."),
				 errhint("Protect \"%s\": all tables below it are protected with it.", get_rel_name(top_of(object)))));
	(void) protect_find_root(object, &former);
	foreach(cell, tables)
	{
		if (lfirst_oid(cell) == object)
			continue;
		refuse_kind(object, lfirst_oid(cell));
		refuse_protected(object, former, lfirst_oid(cell));
		refuse_other_parent(object, tables, lfirst_oid(cell));
	}
}

/* ---- what comes to stand below a protected table ---- */

static OwnerStatement select_protection = {
	"SELECT p.row_fields, p.on_denied, p.as_restrictive, p.force, COALESCE(p.root, p.object) FROM spsa.protected_object p"
	" WHERE p.object = $1",
	1, {REGCLASSOID}
};

/* The call in a policy for SELECT that passes fields, or NULL. */
static const FuncExpr *
policy_call_of(Relation table, Oid function)
{
	ListCell   *cell;

	foreach(cell, table->rd_rsdesc == NULL ? NIL : table->rd_rsdesc->policies)
	{
		const RowSecurityPolicy *policy = lfirst(cell);

		if (policy->qual != NULL && IsA(policy->qual, FuncExpr) && ((const FuncExpr *) policy->qual)->funcid == function)
			return (const FuncExpr *) policy->qual;
	}
	return NULL;
}

/* Names of fields, each followed by that of the column which a table's policies pass as that field; NIL if they pass none. */
static List *
passed_columns(Oid oid, Oid function)
{
	Relation	table = relation_open(oid, AccessShareLock);
	const FuncExpr *call = policy_call_of(table, function);
	PolicyCall	fields = {0};
	List	   *passed = NIL;

	if (call != NULL && policy_call_read(call, &fields) != NULL)
		call = NULL;
	for (int i = 0; call != NULL && i < fields.nfields; i++)
	{
		const Var  *var = list_nth(call->args, fields.fields[i].argument);
		char	   *column = IsA(var, Var) ? get_attname(oid, var->varattno, false) : pstrdup("");

		passed = lappend(lappend(passed, fields.fields[i].name), column);
	}
	relation_close(table, AccessShareLock);
	return passed;
}

static bool
same_names(const List *a, const List *b)
{
	ListCell   *one;
	ListCell   *other;

	forboth(one, a, other, b)
	{
		if (strcmp(lfirst(one), lfirst(other)) != 0)
			return false;
	}
	return list_length(a) == list_length(b);
}

/* The columns that a table's policies pass as the protection's fields, or false: a column may have been renamed since. */
static bool
read_columns(Oid oid, const Protection *protection, char **columns)
{
	List	   *passed = passed_columns(oid, protect_function_oid(protection->functions, true));

	if (list_length(passed) != 2 * protection->nfields)
		return false;
	for (int i = 0; i < protection->nfields; i++)
	{
		if (strcmp(list_nth(passed, 2 * i), protection->fields[i]) != 0)
			return false;
		columns[i] = list_nth(passed, 2 * i + 1);
	}
	return true;
}

static void
read_fields(Protection *protection)
{
	Datum	   *elements;

	deconstruct_array(DatumGetArrayTypeP(protection->row_fields), NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR,
					  &elements, NULL, &protection->nfields);
	protection->fields = palloc0(sizeof(char *) * (protection->nfields + 1));
	protection->columns = palloc0(sizeof(char *) * (protection->nfields + 1));
	for (int i = 0; i < protection->nfields; i++)
		protection->fields[i] = NameStr(*DatumGetName(elements[i]));
}

/* How a table is protected, as configured; false if it is not. */
static bool
read_protection(Oid object, Protection *protection)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		value = ObjectIdGetDatum(object);
	OwnerState	state;
	bool		found;
	bool		isnull;

	memset(protection, 0, sizeof(Protection));
	protection->object = object;
	owner_begin_latest(&state);
	found = owner_execute(&select_protection, &value, NULL) > 0;
	if (found)
	{
		MemoryContext ours = MemoryContextSwitchTo(caller);

		protection->row_fields = PointerGetDatum(DatumGetArrayTypePCopy(owner_result(1, &isnull)));
		protection->raises = strcmp(TextDatumGetCString(owner_result(2, &isnull)), "hide") != 0;
		protection->as_restrictive = DatumGetBool(owner_result(3, &isnull));
		protection->force = DatumGetBool(owner_result(4, &isnull));
		protection->root = DatumGetObjectId(owner_result(5, &isnull));
		MemoryContextSwitchTo(ours);
		protection->functions = protect_extension_schema();
		protection->functions = MemoryContextStrdup(caller, protection->functions);
	}
	owner_end(&state);
	if (found)
		read_fields(protection);
	return found;
}

/* The same with the columns that its policies pass, which those of tables below it must pass as well. */
static Protection
read_model(Oid parent)
{
	Protection	model;

	if (!read_protection(parent, &model))
		elog(ERROR, "\"%s\" is not protected", get_rel_name(parent));
	if (model.nfields > 0 && !read_columns(parent, &model, model.columns))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("policies of protected table \"%s\" are not those that spsa_protect() made", get_rel_name(parent)),
				 errhint("Call spsa_protect() for \"%s\" again first.", get_rel_name(model.root))));
	return model;
}

/* What its owner may have switched off. */
static bool
has_row_security(Oid oid, bool force)
{
	Relation	table = relation_open(oid, AccessShareLock);
	bool		has = table->rd_rel->relrowsecurity && table->rd_rel->relforcerowsecurity == force;

	relation_close(table, AccessShareLock);
	return has;
}

/* Whether a table is protected like the model already. */
static bool
is_protected_like(Oid table, const Protection *model)
{
	Protection	protection;

	if (!read_protection(table, &protection) || protection.root != model->root || protection.raises != model->raises ||
		protection.force != model->force || protection.as_restrictive != model->as_restrictive ||
		protection.nfields != model->nfields || !has_row_security(table, model->force))
		return false;
	if (model->nfields > 0 && !read_columns(table, model, protection.columns))
		return false;
	for (int i = 0; i < model->nfields; i++)
	{
		if (strcmp(protection.columns[i], model->columns[i]) != 0)
			return false;
	}
	return true;
}

static void
protection_context(void *table)
{
	errcontext("protection of table \"%s\"", (const char *) table);
}

/* What is configured first, so that the DDL finds no table of the tree missing. */
static void
protect_like(const Protection *model, List *tables)
{
	ErrorContextCallback callback = {error_context_stack, protection_context, NULL};
	OwnerState	state;
	ListCell   *cell;

	owner_begin_latest(&state);
	foreach(cell, tables)
	{
		Protection	member = *model;

		member.object = lfirst_oid(cell);
		protect_write_row(&member);
	}
	owner_end(&state);
	foreach(cell, tables)
	{
		Protection	member = *model;

		member.object = lfirst_oid(cell);
		member.qualified = protect_qualified_name(member.object);
		callback.arg = get_rel_name(member.object);
		error_context_stack = &callback;
		protect_make_policies(&member);
		error_context_stack = callback.previous;
	}
}

static OwnerStatement inherit_fields = {
	"INSERT INTO spsa.protected_field (object, field) SELECT DISTINCT i.inhrelid, a.attname FROM pg_catalog.pg_inherits i"
	" JOIN spsa.protected_object p ON p.object = i.inhparent AND p.root IS NOT NULL"
	" JOIN spsa.protected_field f ON f.object = p.object"
	" JOIN pg_catalog.pg_attribute c ON c.attrelid = f.object AND c.attnum = f.field_number AND NOT c.attisdropped"
	" JOIN pg_catalog.pg_attribute a ON a.attrelid = i.inhrelid AND a.attname = c.attname AND NOT a.attisdropped"
	" WHERE i.inhrelid = $1 AND NOT EXISTS (SELECT FROM spsa.protected_field g"
	" WHERE g.object = a.attrelid AND g.field_number = a.attnum)",
	1, {REGCLASSOID}
};

/*
 * What is protected in the root is protected below by its name. What is protected in a table in between, which has it alone,
 * is protected in each table below that. The tables: those above first.
 */
void
protect_inherit_fields(List *tables)
{
	OwnerState	state;
	ListCell   *cell;

	owner_begin_latest(&state);
	foreach(cell, tables)
	{
		Datum		value = ObjectIdGetDatum(lfirst_oid(cell));

		owner_execute(&inherit_fields, &value, NULL);
	}
	owner_end(&state);
}

static void
check_own(Oid root, Oid table)
{
	if (pg_class_ownercheck(table, GetUserId()))
		return;
	session_log_refusal("protect", psprintf("\"%s\", below \"%s\", is not the database role's", get_rel_name(table), get_rel_name(root)));
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to protect \"%s\" with \"%s\"", get_rel_name(table), get_rel_name(root)),
			 errdetail("What comes to stand below a protected table is protected with it, by its owner."),
			 errhint("Let an owner of all these tables run the command.")));
}

/* A table that has come to stand below a protected one, and those below it. */
static void
join_tree(Oid child, Oid parent)
{
	Protection	model = read_model(parent);
	List	   *tables = protect_tree(child, NoLock);
	List	   *missing = NIL;
	ListCell   *cell;

	foreach(cell, tables)
	{
		refuse_kind(model.root, lfirst_oid(cell));
		refuse_protected(model.root, InvalidOid, lfirst_oid(cell));
		refuse_other_parent(model.root, tables, lfirst_oid(cell));
		if (is_protected_like(lfirst_oid(cell), &model))
			continue;
		check_own(model.root, lfirst_oid(cell));
		missing = lappend_oid(missing, lfirst_oid(cell));
	}
	protect_like(&model, missing);
	protect_inherit_fields(tables);
}

/* What this transaction has put below or above a protected table. Others' doings are not this command's business. */
typedef struct Link
{
	Oid			child;
	Oid			parent;
	bool		parent_is_protected;
	bool		alike;			/* child and parent are protected alike, but
								 * for the columns that policies pass */
} Link;

static OwnerStatement select_links = {
	"SELECT i.xmin, i.inhrelid, i.inhparent, p.object IS NOT NULL, p.object IS NOT NULL"
	" AND (c.root, c.row_fields, c.on_denied, c.as_restrictive, c.force) IS NOT DISTINCT FROM"
	" (COALESCE(p.root, p.object), p.row_fields, p.on_denied, p.as_restrictive, p.force)"
	" AND (t.relrowsecurity, t.relforcerowsecurity) = (u.relrowsecurity, u.relforcerowsecurity) FROM pg_catalog.pg_inherits i"
	" JOIN pg_catalog.pg_class t ON t.oid = i.inhrelid JOIN pg_catalog.pg_class u ON u.oid = i.inhparent"
	" LEFT JOIN spsa.protected_object p ON p.object = i.inhparent LEFT JOIN spsa.protected_object c ON c.object = i.inhrelid"
	" WHERE p.object IS NOT NULL OR c.object IS NOT NULL ORDER BY i.inhrelid, i.inhseqno",
	0
};

static List *
read_links(void)
{
	MemoryContext caller = CurrentMemoryContext;
	List	   *links = NIL;
	OwnerState	state;
	int			n;
	bool		isnull;

	owner_begin_latest(&state);
	n = owner_execute(&select_links, NULL, NULL);
	for (int i = 0; i < n; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		MemoryContext ours;
		Link	   *link;

		if (!TransactionIdIsCurrentTransactionId(DatumGetTransactionId(SPI_getbinval(row, desc, 1, &isnull))))
			continue;
		ours = MemoryContextSwitchTo(caller);
		link = palloc(sizeof(Link));
		link->child = DatumGetObjectId(SPI_getbinval(row, desc, 2, &isnull));
		link->parent = DatumGetObjectId(SPI_getbinval(row, desc, 3, &isnull));
		link->parent_is_protected = DatumGetBool(SPI_getbinval(row, desc, 4, &isnull));
		link->alike = DatumGetBool(SPI_getbinval(row, desc, 5, &isnull));
		links = lappend(links, link);
		MemoryContextSwitchTo(ours);
	}
	owner_end(&state);
	return links;
}

static Oid
find_function(void)
{
	OwnerState	state;
	Oid			function;

	owner_begin_latest(&state);
	function = protect_function_oid(protect_extension_schema(), true);
	owner_end(&state);
	return function;
}

static void
follow_links(void)
{
	List	   *links = read_links();
	Oid			function = links == NIL ? InvalidOid : find_function();
	ListCell   *cell;

	foreach(cell, links)
	{
		const Link *link = lfirst(cell);

		/*
		 * Of an earlier command, most likely; there may be many. Or restored
		 * from a dump in one transaction: policies come later.
		 */
		if (link->alike && same_names(passed_columns(link->child, function), passed_columns(link->parent, function)))
			continue;

		if (!link->parent_is_protected)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("protected table \"%s\" cannot come below \"%s\", which is not protected", get_rel_name(link->child),
							get_rel_name(link->parent)),
					 errdetail("Its rows could be reached through that table."),
					 errhint("Use spsa_unprotect() for \"%s\" first, and spsa_protect() for the table above it then, in one transaction.",
							 get_rel_name(link->child))));
		join_tree(link->child, link->parent);
	}
}

/* ---- what has left a tree ---- */

static OwnerStatement select_detached = {
	"SELECT c.object FROM spsa.protected_object c WHERE c.root IS NOT NULL"
	" AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.object)",
	0
};

static OwnerStatement keep_fields = {
	"INSERT INTO spsa.protected_field (object, field) SELECT p.object, a.attname FROM spsa.protected_object p"
	" JOIN spsa.protected_field f ON f.object = p.root"
	" JOIN pg_catalog.pg_attribute c ON c.attrelid = f.object AND c.attnum = f.field_number AND NOT c.attisdropped"
	" JOIN pg_catalog.pg_attribute a ON a.attrelid = p.object AND a.attname = c.attname AND NOT a.attisdropped"
	" WHERE p.object = $1 AND NOT EXISTS (SELECT FROM spsa.protected_field g"
	" WHERE g.object = a.attrelid AND g.field_number = a.attnum)",
	1, {REGCLASSOID}
};

/*
 * Fields that are protected in the root are protected in a child by their names. In a table that has left the tree, names
 * may change in one and not in the other: so there the columns themselves are protected.
 */
void
protect_keep_fields(void)
{
	List	   *detached = NIL;
	MemoryContext caller = CurrentMemoryContext;
	OwnerState	state;
	ListCell   *cell;
	ListCell   *table;
	int			n;
	bool		isnull;

	owner_begin_latest(&state);
	n = owner_execute(&select_detached, NULL, NULL);
	for (int i = 0; i < n; i++)
	{
		MemoryContext ours = MemoryContextSwitchTo(caller);

		detached = lappend_oid(detached, DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull)));
		MemoryContextSwitchTo(ours);
	}
	foreach(cell, detached)
	{
		foreach(table, protect_tree(lfirst_oid(cell), NoLock))
		{
			Datum		value = ObjectIdGetDatum(lfirst_oid(table));

			owner_execute(&keep_fields, &value, NULL);
		}
	}
	owner_end(&state);
}

/* ---- the end of each command ---- */

/* Subcommands of ALTER TABLE that put a table below another. */
static bool
links_tables(const AlterTableStmt *command)
{
	ListCell   *cell;

	foreach(cell, command->cmds)
	{
		AlterTableType subtype = castNode(AlterTableCmd, lfirst(cell))->subtype;

		if (subtype == AT_AttachPartition || subtype == AT_AddInherit)
			return true;
	}
	return false;
}

/*
 * Commands that can put a table below another. Others must not be kept waiting for what is missing: in a dump that is restored
 * in one transaction, what is configured comes before the policies.
 */
static bool
may_link(const Node *command)
{
	switch (nodeTag(command))
	{
		case T_CreateStmt:
			return ((const CreateStmt *) command)->inhRelations != NIL;
		case T_CreateForeignTableStmt:
			return ((const CreateForeignTableStmt *) command)->base.inhRelations != NIL;
		case T_AlterTableStmt:
			return links_tables((const AlterTableStmt *) command);
		case T_CreateSchemaStmt:
			return true;
		default:
			return false;
	}
}

/* At the end of each DDL command, as whoever runs it. */
void
protect_follow_tree(const Node *command)
{
	if (may_link(command))
		follow_links();
	protect_keep_fields();
}
