/* masked_view_write.c - writing through masked views: the INSTEAD OF trigger that spsa_create_masked_view() puts on them.
 *
 * A row that comes back as it was read has null where a field is masked: such a field is left alone, anything else in it is
 * refused. Of the others only those that changed are set, so that fields that the session may read and not edit do not
 * stand in the way of writing whole rows.
 *
 * Rights: the table is written by a statement of its own with the rights of the caller, and not those of the view's owner:
 * privileges, row policies and field checks of the table apply to it like to any statement of the caller's. It names
 * everything with its schema and runs under the caller's settings, for the table's own triggers do.
 *
 * The row is found by its primary key. Another transaction may have changed it since the statement read it, and PostgreSQL
 * does not look again at the statement's conditions, as it does for tables. So the row must still be what was read, as far
 * as the caller may read it; otherwise the statement fails (40001) and is to be repeated (or 27000, if it was the statement
 * itself).
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_operator.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "base/table.h"
#include "enforce/masked_view.h"
#include "enforce/row_policy.h"
#include "grant/shape.h"

/* A column of the view, and of the row that is written. */
typedef struct Field
{
	const FormData_pg_attribute *column;	/* of the table */
	bool		readable;		/* by the session: not masked */
	bool		selectable;		/* and by the role, from the table itself */
	bool		changed;
	Datum		old_value;
	bool		old_null;
	Datum		new_value;
	bool		new_null;
} Field;

/* A row that is written, and the statement that does it. */
typedef struct Write
{
	Relation	view;
	Relation	table;
	SessionEntry *session;
	int			nfields;
	Field	   *fields;
	StringInfoData sql;
	int			nvalues;
	Oid		   *types;
	Datum	   *values;
	char	   *nulls;
} Write;

static bool
may(const Write *write, const FormData_pg_attribute *column, QuestionKind kind)
{
	Question	question = {kind, RelationGetRelid(write->table), (uint32) column->attnum};

	return write->session != NULL && shape_of(write->session, &question)->reach == REACH_ALL;
}

static bool
has_privilege(const Write *write, const FormData_pg_attribute *column, AclMode privilege)
{
	Oid			table = RelationGetRelid(write->table);

	return pg_class_aclcheck(table, GetUserId(), privilege) == ACLCHECK_OK ||
		pg_attribute_aclcheck(table, column->attnum, GetUserId(), privilege) == ACLCHECK_OK;
}

/* ---- what is written ---- */

static bool
differs(const Field *field)
{
	if (field->old_null || field->new_null)
		return field->old_null != field->new_null;
	return !datum_image_eq(field->old_value, field->new_value, field->column->attbyval, field->column->attlen);
}

static void
read_fields(Write *write, const MaskedView *masked, HeapTuple old_row, HeapTuple new_row)
{
	TupleDesc	desc = RelationGetDescr(write->view);

	write->nfields = masked->nfields;
	write->fields = palloc0(sizeof(Field) * (masked->nfields + 1));
	for (int i = 0; i < masked->nfields; i++)
	{
		Field	   *field = &write->fields[i];

		field->column = TupleDescAttr(RelationGetDescr(write->table), masked->fields[i] - 1);
		field->readable = may(write, field->column, QUESTION_FIELD_READ);
		field->selectable = field->readable && has_privilege(write, field->column, ACL_SELECT);
		field->old_null = field->new_null = true;
		if (old_row != NULL)
			field->old_value = heap_getattr(old_row, i + 1, desc, &field->old_null);
		if (new_row != NULL)
			field->new_value = heap_getattr(new_row, i + 1, desc, &field->new_null);
		field->changed = new_row != NULL && differs(field);
	}
}

static void refuse_masked(const Write *write, const Field *field) pg_attribute_noreturn();
static void refuse_without_key(const Write *write, int code, const char *detail) pg_attribute_noreturn();

static void
refuse_masked(const Write *write, const Field *field)
{
	session_log_refusal("write", psprintf("field \"%s\" of \"%s\" is masked", NameStr(field->column->attname),
										  RelationGetRelationName(write->view)));
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to write masked field \"%s\" of \"%s\"", NameStr(field->column->attname),
					RelationGetRelationName(write->view)),
			 write->session == NULL ? errhint("Attach a session with spsa_attach() or spsa_attach_connection().") :
			 errhint("Leave it as it is read, null.")));
}

/* Of a new row a field may be given that can be written and not read. */
static void
check_masked(const Write *write, bool creates)
{
	for (int i = 0; i < write->nfields; i++)
	{
		const Field *field = &write->fields[i];

		if (field->readable || field->new_null)
			continue;
		if (!creates || !may(write, field->column, QUESTION_FIELD_CREATE))
			refuse_masked(write, field);
	}
}

/* ---- the statement ---- */

static const char *
name_of(const Field *field)
{
	return quote_identifier(NameStr(field->column->attname));
}

static void
append_value(Write *write, const Field *field, bool new_value)
{
	write->types[write->nvalues] = field->column->atttypid;
	write->values[write->nvalues] = new_value ? field->new_value : field->old_value;
	write->nulls[write->nvalues] = (new_value ? field->new_null : field->old_null) ? 'n' : ' ';
	write->nvalues++;
	appendStringInfo(&write->sql, "$%d", write->nvalues);
}

/* Each field is passed at most three times: set, as the key, and to compare. */
static void
begin_statement(Write *write, const char *verb)
{
	int			most = 3 * write->nfields + 1;

	initStringInfo(&write->sql);
	write->nvalues = 0;
	write->types = palloc(sizeof(Oid) * most);
	write->values = palloc(sizeof(Datum) * most);
	write->nulls = palloc(sizeof(char) * most);
	appendStringInfo(&write->sql, "%s %s", verb,
					 quote_qualified_identifier(get_namespace_name(RelationGetNamespace(write->table)),
												RelationGetRelationName(write->table)));
	appendStringInfoString(&write->sql, " AS t");
}

static Field *
field_of_column(const Write *write, AttrNumber number)
{
	for (int i = 0; i < write->nfields; i++)
	{
		if (write->fields[i].column->attnum == number)
			return &write->fields[i];
	}
	return NULL;
}

/* As OPERATOR(schema.=): the one that the index has. */
static void
append_equality(StringInfo sql, Oid family, Oid type)
{
	Oid			oid = get_opfamily_member(family, type, type, BTEqualStrategyNumber);
	HeapTuple	row = SearchSysCache1(OPEROID, ObjectIdGetDatum(oid));
	const FormData_pg_operator *operator;

	if (!HeapTupleIsValid(row))
		elog(ERROR, "cache lookup failed for operator %u", oid);
	operator = (const FormData_pg_operator *) GETSTRUCT(row);
	appendStringInfo(sql, " OPERATOR(%s.%s) ", quote_identifier(get_namespace_name(operator->oprnamespace)),
					 NameStr(operator->oprname));
	ReleaseSysCache(row);
}

static void
refuse_without_key(const Write *write, int code, const char *detail)
{
	if (code == ERRCODE_INSUFFICIENT_PRIVILEGE)
		session_log_refusal("write", psprintf("the primary key of \"%s\" is masked", RelationGetRelationName(write->view)));
	ereport(ERROR,
			(errcode(code),
			 errmsg("rows of \"%s\" cannot be told apart", RelationGetRelationName(write->view)),
			 errdetail("%s", detail)));
}

static const Field *
field_of_key(const Write *write, AttrNumber number)
{
	const Field *field = field_of_column(write, number);

	if (field != NULL && field->readable)
		return field;
	if (field != NULL)
		refuse_without_key(write, ERRCODE_INSUFFICIENT_PRIVILEGE,
						   psprintf("Field \"%s\" of the primary key is masked.", NameStr(field->column->attname)));
	refuse_without_key(write, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
					   "The view was created before a column of the primary key.");
}

/* By the whole primary key, all of which must be readable. */
static void
append_key(Write *write)
{
	Oid			oid = RelationGetPrimaryKeyIndex(write->table);
	Relation	index;

	if (!OidIsValid(oid))
		refuse_without_key(write, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, "The table has no primary key.");
	index = index_open(oid, AccessShareLock);
	for (int i = 0; i < IndexRelationGetNumberOfKeyAttributes(index); i++)
	{
		const Field *field = field_of_key(write, index->rd_index->indkey.values[i]);

		appendStringInfo(&write->sql, " %s t.%s", i == 0 ? "WHERE" : "AND", name_of(field));
		append_equality(&write->sql, index->rd_opfamily[i], index->rd_opcintype[i]);
		append_value(write, field, false);
	}
	index_close(index, AccessShareLock);
}

static bool
is_any_selectable(const Write *write)
{
	for (int i = 0; i < write->nfields; i++)
	{
		if (write->fields[i].selectable)
			return true;
	}
	return false;
}

/* The row as it was read. Of the key that stands before it, something is selectable, or the statement will be refused. */
static void
append_unchanged(Write *write, const char *before)
{
	const char *separator = "(ROW(";

	if (!is_any_selectable(write))
		return;
	appendStringInfoString(&write->sql, before);
	for (int i = 0; i < write->nfields; i++)
	{
		if (!write->fields[i].selectable)
			continue;
		appendStringInfo(&write->sql, "%st.%s", separator, name_of(&write->fields[i]));
		separator = ", ";
	}
	appendStringInfoString(&write->sql, ")::pg_catalog.record OPERATOR(pg_catalog.*=) ");
	separator = "ROW(";
	for (int i = 0; i < write->nfields; i++)
	{
		if (!write->fields[i].selectable)
			continue;
		appendStringInfoString(&write->sql, separator);
		append_value(write, &write->fields[i], false);
		separator = ", ";
	}
	appendStringInfoString(&write->sql, ")::pg_catalog.record)");
}

/* What the row has become, as far as the caller may know. */
static void
append_returning(Write *write)
{
	const char *separator = " RETURNING ";

	for (int i = 0; i < write->nfields; i++)
	{
		if (!write->fields[i].selectable)
			continue;
		appendStringInfo(&write->sql, "%st.%s", separator, name_of(&write->fields[i]));
		separator = ", ";
	}
}

/* The number of rows. */
static uint64
execute(const Write *write)
{
	int			result = SPI_execute_with_args(write->sql.data, write->nvalues, write->types, write->values, write->nulls, false, 0);

	if (result < 0)
		elog(ERROR, "could not execute \"%s\": %s", write->sql.data, SPI_result_code_string(result));
	return SPI_processed;
}

/* Whether this transaction has made the row that was found: then it has been so since the statement began. */
static bool
changed_by_us(void)
{
	bool		isnull;
	Datum		xmin = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);

	return !isnull && TransactionIdIsCurrentTransactionId(DatumGetTransactionId(xmin));
}

/* Nothing was written: the row is hidden from this, or gone, which is not for us to say; or it is another one by now. */
static void
check_conflict(Write *write)
{
	bool		all = pg_class_aclcheck(RelationGetRelid(write->table), GetUserId(), ACL_SELECT) == ACLCHECK_OK;

	begin_statement(write, all ? "SELECT t.xmin FROM" : "SELECT NULL::pg_catalog.xid FROM");
	append_key(write);
	append_unchanged(write, " AND NOT ");
	if (execute(write) == 0)
		return;
	if (changed_by_us())
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
				 errmsg("row of \"%s\" has been changed by the same statement before", RelationGetRelationName(write->view)),
				 errhint("Let the statement reach each row once, and triggers of the table leave other rows alone.")));
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("could not write a row of \"%s\" due to concurrent update", RelationGetRelationName(write->view)),
			 errhint("Retry the transaction.")));
}

/* The row as the view shows it now. */
static HeapTuple
row_after(const Write *write)
{
	TupleDesc	desc = RelationGetDescr(write->view);
	Datum	   *values = palloc(sizeof(Datum) * (write->nfields + 1));
	bool	   *nulls = palloc(sizeof(bool) * (write->nfields + 1));
	int			returned = 0;
	HeapTuple	row;

	for (int i = 0; i < write->nfields; i++)
	{
		const Field *field = &write->fields[i];

		values[i] = field->new_value;
		nulls[i] = field->new_null || !field->readable;
		if (field->selectable)
			values[i] = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, ++returned, &nulls[i]);
	}
	row = heap_form_tuple(desc, values, nulls);
	return SPI_copytuple(row);
}

/* ---- INSERT ---- */

/* What is null is left out, and gets its default: the view has none of its own, so that who leaves it out gives null. */
static HeapTuple
insert_row(Write *write)
{
	const char *separator = " (";

	check_masked(write, true);
	begin_statement(write, "INSERT INTO");
	for (int i = 0; i < write->nfields; i++)
	{
		if (write->fields[i].new_null)
			continue;
		appendStringInfo(&write->sql, "%s%s", separator, name_of(&write->fields[i]));
		separator = ", ";
	}
	if (separator[0] == ' ')
		appendStringInfoString(&write->sql, " DEFAULT VALUES");
	else
	{
		separator = ") VALUES (";
		for (int i = 0; i < write->nfields; i++)
		{
			if (write->fields[i].new_null)
				continue;
			appendStringInfoString(&write->sql, separator);
			append_value(write, &write->fields[i], true);
			separator = ", ";
		}
		appendStringInfoChar(&write->sql, ')');
	}
	append_returning(write);
	return execute(write) > 0 ? row_after(write) : NULL;
}

/* ---- UPDATE ---- */

static bool
can_be_set(const Field *field)
{
	return field->column->attgenerated == '\0' && field->column->attidentity != ATTRIBUTE_IDENTITY_ALWAYS;
}

/*
 * A column that can be set to itself, for an UPDATE that changes nothing: it counts the row if it can be edited, is refused
 * if nothing can, and fires triggers, like one of the table. The key first, which can't have changed.
 */
static const Field *
field_to_touch(const Write *write, const Bitmapset *key)
{
	const Field *best = NULL;

	for (int i = 0; i < write->nfields; i++)
	{
		const Field *field = &write->fields[i];
		bool		is_key = bms_is_member(field->column->attnum - FirstLowInvalidHeapAttributeNumber, key);

		if (!can_be_set(field) || !field->selectable || !has_privilege(write, field->column, ACL_UPDATE) ||
			!may(write, field->column, QUESTION_FIELD_EDIT))
			continue;
		if (is_key)
			return field;
		if (best == NULL)
			best = field;
	}
	return best;
}

static void
append_touch(Write *write)
{
	Bitmapset  *key = RelationGetIndexAttrBitmap(write->table, INDEX_ATTR_BITMAP_PRIMARY_KEY);
	const Field *field = field_to_touch(write, key);

	/* Nothing can be set: the statement says so. */
	for (int i = 0; i < write->nfields && field == NULL; i++)
	{
		if (can_be_set(&write->fields[i]))
			field = &write->fields[i];
	}
	if (field == NULL)
		field = &write->fields[0];
	appendStringInfo(&write->sql, " SET %s = t.%s", name_of(field), name_of(field));
	bms_free(key);
}

static HeapTuple
update_row(Write *write)
{
	const char *separator = " SET ";

	check_masked(write, false);
	begin_statement(write, "UPDATE");
	for (int i = 0; i < write->nfields; i++)
	{
		if (!write->fields[i].changed || !write->fields[i].readable)
			continue;
		appendStringInfo(&write->sql, "%s%s = ", separator, name_of(&write->fields[i]));
		append_value(write, &write->fields[i], true);
		separator = ", ";
	}
	if (separator[0] == ' ')
		append_touch(write);
	append_key(write);
	append_unchanged(write, " AND ");
	append_returning(write);
	if (execute(write) > 0)
		return row_after(write);
	check_conflict(write);
	return NULL;
}

/* ---- DELETE ---- */

static HeapTuple
delete_row(Write *write, HeapTuple row)
{
	begin_statement(write, "DELETE FROM");
	append_key(write);
	append_unchanged(write, " AND ");
	if (execute(write) > 0)
		return row;
	check_conflict(write);
	return NULL;
}

/* ---- the trigger ---- */

static HeapTuple
write_row(Write *write, const MaskedView *masked, const TriggerData *trigger)
{
	bool		inserts = TRIGGER_FIRED_BY_INSERT(trigger->tg_event);
	HeapTuple	row = trigger->tg_trigtuple;

	write->session = row_policy_session();
	read_fields(write, masked, inserts ? NULL : row,
				inserts ? row : TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple : NULL);
	if (inserts)
		return insert_row(write);
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		return update_row(write);
	return delete_row(write, row);
}

/* SQL: spsa.write_masked_view() */
PG_FUNCTION_INFO_V1(spsa_write_masked_view);
Datum
spsa_write_masked_view(PG_FUNCTION_ARGS)
{
	const TriggerData *trigger = (TriggerData *) fcinfo->context;
	MaskedView	masked;
	Write		write = {0};
	HeapTuple	result;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_INSTEAD(trigger->tg_event) ||
		!masked_view_is_recorded(RelationGetRelid(trigger->tg_relation)) || !masked_view_read(trigger->tg_relation, &masked))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function must be called as a trigger of a masked view")));
	write.view = trigger->tg_relation;
	write.table = table_open(masked.object, AccessShareLock);
	SPI_connect();
	result = write_row(&write, &masked, trigger);
	SPI_finish();
	table_close(write.table, NoLock);
	return PointerGetDatum(result);
}
