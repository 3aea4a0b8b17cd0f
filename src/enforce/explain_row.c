/* explain_row.c - the row predicate of a grant, for explanations: as text, and whether a row matches.
 *
 * Invariant: a row is compared by the engine's own comparison (row_policy.c), with the fields that the table's policy passes:
 * these are read from the policy. Of an object that is not protected all columns are passed. Values are shown of the session
 * that is explained alone.
 *
 * Bounds: of a list of values the first ones are shown, of each its beginning.
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "rewrite/rowsecurity.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "enforce/explain.h"
#include "enforce/protect.h"
#include "enforce/row_policy.h"

#define SHOWN_VALUES 5
#define SHOWN_BYTES 60

/* ---- what the policy passes ---- */

static bool
is_our_call(const Explanation *ex, const Node *expression)
{
	const FuncExpr *call = (const FuncExpr *) expression;

	return expression != NULL && IsA(expression, FuncExpr) &&
		call->funcid == protect_function_oid(ex->schema, list_length(call->args) > POLICY_CALL_FIRST_FIELD);
}

/* What one policy passes, if it is ours. */
static bool
read_call(Explanation *ex, const FuncExpr *call)
{
	PolicyCall	passed;

	if (!is_our_call(ex, (const Node *) call) || policy_call_read(copyObject(call), &passed) != NULL)
		return false;
	for (int i = 0; i < passed.nfields; i++)
	{
		const Var  *column = list_nth(call->args, passed.fields[i].argument);

		if (!IsA(column, Var) || column->varattno <= 0)
			return false;
	}
	ex->call = passed;
	ex->columns = palloc0(sizeof(AttrNumber) * (ex->call.nfields + 1));
	for (int i = 0; i < ex->call.nfields; i++)
		ex->columns[i] = ((const Var *) list_nth(call->args, ex->call.fields[i].argument))->varattno;
	return true;
}

/* Privileges that no command needs have no policy. */
static void
read_policies(Explanation *ex, const Relation relation)
{
	ListCell   *cell;

	bool		changed = false;

	if (relation->rd_rsdesc == NULL)
		return;
	foreach(cell, relation->rd_rsdesc->policies)
	{
		const RowSecurityPolicy *policy = lfirst(cell);
		const Expr *expression = policy->qual != NULL ? policy->qual : policy->with_check_qual;

		if (!protect_is_policy(policy->policy_name, privilege_names[ex->privilege]))
			continue;
		ex->restrictive = ex->restrictive || !policy->permissive;
		changed = changed || ((const Oid *) ARR_DATA_PTR(policy->roles))[0] != ACL_ID_PUBLIC;
		if (!ex->has_policy)
			ex->has_policy = read_call(ex, (const FuncExpr *) expression);
	}
	if (!changed)
		return;
	ex->has_policy = false;
	memset(&ex->call, 0, sizeof(ex->call));
}

static void
pass_all(Explanation *ex, const Relation relation)
{
	TupleDesc	columns = RelationGetDescr(relation);

	ex->call.fields = palloc0(sizeof(PolicyField) * (columns->natts + 1));
	ex->columns = palloc0(sizeof(AttrNumber) * (columns->natts + 1));
	for (int i = 0; i < columns->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(columns, i);
		PolicyField *field = &ex->call.fields[ex->call.nfields];

		if (column->attisdropped)
			continue;
		field->name = pstrdup(NameStr(column->attname));
		field->type = column->atttypid;
		field->collation = column->attcollation;
		field->argument = ex->call.nfields;
		ex->columns[ex->call.nfields++] = column->attnum;
	}
}

/* Which fields are passed to the question about rows, and whether a policy asks it. */
void
explain_read_policy(Explanation *ex)
{
	Relation	relation = relation_open(ex->object, AccessShareLock);

	ex->enabled = relation->rd_rel->relrowsecurity;
	ex->forced = relation->rd_rel->relforcerowsecurity;
	if (ex->is_table && ex->is_protected && ex->privilege <= PRIVILEGE_DELETE)
		read_policies(ex, relation);
	if (!ex->has_policy)
		pass_all(ex, relation);
	relation_close(relation, AccessShareLock);
}

/* ---- the row ---- */

/* As SQL would write it; NULL: null. */
static char *
json_text(const JsonbValue *value)
{
	Jsonb	   *jsonb;

	if (value == NULL || value->type == jbvNull)
		return NULL;
	if (value->type == jbvString)
		return pnstrdup(value->val.string.val, value->val.string.len);
	jsonb = JsonbValueToJsonb(unconstify(JsonbValue *, value));
	return JsonbToCString(NULL, &jsonb->root, VARSIZE(jsonb));
}

/*
 * Whether reading a value can run code of whoever made the type: the constraints of domains within it. Those of the column's own domain
 * guard what is stored, and are left out.
 */
static bool
runs_code(Oid type)
{
	Oid			within;

	switch (get_typtype(type))
	{
		case TYPTYPE_BASE:
			within = get_element_type(type);
			break;
		case TYPTYPE_ENUM:
			return false;
		case TYPTYPE_RANGE:
			within = get_range_subtype(type);
			break;
		default:
			return true;
	}
	return OidIsValid(within) && (get_typtype(within) == TYPTYPE_DOMAIN || runs_code(within));
}

/* The value that a column would have. */
static Datum
column_value(Oid object, AttrNumber number, char *text)
{
	Oid			type;
	int32		modifier;
	Oid			collation;
	Oid			input;
	Oid			param;

	get_atttypetypmodcoll(object, number, &type, &modifier, &collation);
	type = getBaseTypeAndTypmod(type, &modifier);
	if (runs_code(type))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a value of type %s cannot be explained", format_type_be(type)),
				 errdetail("It could run code of the type's owner."),
				 errhint("Leave the column out of row_values; it counts as null then.")));
	getTypeInputInfo(type, &input, &param);
	return OidInputFunctionCall(input, text, param, modifier);
}

static void
check_keys(const Explanation *ex)
{
	JsonbIterator *i;
	JsonbIteratorToken token;
	JsonbValue	key;

	if (!JB_ROOT_IS_OBJECT(ex->row_values))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("row_values must be a JSON object"),
				 errhint("Its keys are columns: {\"region\": \"EU\"}.")));
	i = JsonbIteratorInit(&ex->row_values->root);
	while ((token = JsonbIteratorNext(&i, &key, true)) != WJB_DONE)
	{
		char	   *name = token == WJB_KEY ? pnstrdup(key.val.string.val, key.val.string.len) : NULL;

		if (name != NULL && get_attnum(ex->object, name) <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%s\" of relation \"%s\" does not exist", name, get_rel_name(ex->object))));
	}
}

/* The values that are given, as arguments of the policy's call; what is not given is null. */
void
explain_read_row(Explanation *ex)
{
	int			nargs = POLICY_CALL_FIRST_FIELD;

	if (ex->row_values == NULL)
		return;
	check_keys(ex);
	for (int i = 0; i < ex->call.nfields; i++)
		nargs = Max(nargs, ex->call.fields[i].argument + 1);
	ex->row = palloc0(SizeForFunctionCallInfo(nargs));
	for (int i = 0; i < nargs; i++)
		ex->row->args[i].isnull = true;
	for (int i = 0; i < ex->call.nfields; i++)
	{
		NullableDatum *argument = &ex->row->args[ex->call.fields[i].argument];
		char	   *name = get_attname(ex->object, ex->columns[i], true);
		char	   *text = name == NULL ? NULL :
		json_text(getKeyJsonValueFromContainer(&ex->row_values->root, name, strlen(name), NULL));

		argument->isnull = text == NULL;

		if (text !=NULL)
			argument->value = column_value(ex->object, ex->columns[i], text);
	}
}

/* ---- predicates ---- */

/* Whether the policy passes the field of a test with the type that the test is for. */
static bool
is_passed(const Explanation *ex, const ShapeTest *test)
{
	return policy_call_field(&ex->call, test->field, test->field_type) != NULL;
}

/* Of the tests of one field and operator, one must be of use. */
static const ShapeTest *
useless_test(const Explanation *ex, const ShapeArm *arm)
{
	ListCell   *cell;
	ListCell   *other;

	foreach(cell, arm->tests)
	{
		bool		useful = false;

		foreach(other, arm->tests)
		{
			if (shape_same_group(lfirst(cell), lfirst(other)) && is_passed(ex, lfirst(other)))
				useful = true;
		}
		if (!useful)
			return lfirst(cell);
	}
	return NULL;
}

bool
explain_arm_is_usable(const Explanation *ex, const ShapeArm *arm)
{
	return !shape_is_hopeless(arm) && useless_test(ex, arm) == NULL;
}

bool
explain_arm_holds(const Explanation *ex, const ShapeArm *arm)
{
	return ex->is_table && !shape_is_hopeless(arm) && row_policy_arm_holds(ex->entry, arm, &ex->call, ex->row);
}

/* An attribute that a grant's scopes name and the session does not have, or NULL. */
static const char *
missing_attribute(const Explanation *ex, const ObjectGrant *grant)
{
	ListCell   *cell;

	foreach(cell, grant->scopes)
	{
		const RowScope *scope = lfirst(cell);

		if (scope->attribute != NULL && (scope->privileges & PRIVILEGE_BIT(ex->privilege)) != 0 &&
			session_attribute_text(ex->entry, scope->attribute) == NULL)
			return scope->attribute;
	}
	return NULL;
}

/* The call that makes the policies pass one more field. */
static char *
protect_call(const Explanation *ex, const char *field)
{
	const ProtectedObject *object = protection_of(ex->object);
	Datum	   *names = palloc(sizeof(Datum) * (ex->call.nfields + 1));
	char	   *fields;

	for (int i = 0; i < ex->call.nfields; i++)
		names[i] = DirectFunctionCall1(namein, CStringGetDatum(get_attname(ex->object, ex->columns[i], false)));
	names[ex->call.nfields] = DirectFunctionCall1(namein, CStringGetDatum(field));
	fields = OidOutputFunctionCall(F_ARRAY_OUT, PointerGetDatum(construct_array(names, ex->call.nfields + 1, NAMEOID, NAMEDATALEN,
																				false, TYPALIGN_CHAR)));
	return explain_call(ex, "spsa_protect",
						psprintf("%s, %s, '%s', %s, %s", ex->regclass, quote_literal_cstr(fields),
								 object != NULL && object->raises ? "error" : "hide", ex->forced ? "true" : "false",
								 ex->restrictive ? "true" : "false"));
}

/* Why no row at all can match, or NULL; and for an administrator what would help. */
char *
explain_no_row(const Explanation *ex, const ShapeArm *arm, const ObjectGrant *grant, char **remedy)
{
	const ShapeTest *test = useless_test(ex, arm);
	const char *attribute;

	if (!ex->is_table)
		return pstrdup("all rows: it is no table");
	if (test != NULL)
	{
		AttrNumber	number = get_attnum(ex->object, test->field);
		bool		passed = false;

		for (int i = 0; i < ex->call.nfields; i++)
			passed = passed || strcmp(ex->call.fields[i].name, test->field) == 0;
		if (passed)
			return psprintf("the type of field \"%s\" has changed since the row scope was written", test->field);
		if (!ex->has_policy || number <= 0)
			return psprintf("field \"%s\" of a row scope is gone", test->field);
		if (ex->full && remedy != NULL && ex->root == ex->object && get_atttype(ex->object, number) == test->field_type)
			*remedy = protect_call(ex, test->field);
		return psprintf("the policies do not pass field \"%s\" of a row scope", test->field);
	}
	if (!shape_is_hopeless(arm))
		return NULL;
	attribute = missing_attribute(ex, grant);
	return attribute == NULL ? pstrdup("a row scope has no value") :
		psprintf("the session has no attribute \"%s\"", attribute);
}

static char *
clip_value(char *text)
{
	int			length = strlen(text);

	if (length <= SHOWN_BYTES)
		return text;

	return psprintf("%.*s...", pg_mbcliplen(text, length, SHOWN_BYTES), text);
}

static char *
value_text(Oid type, char *literal)
{
	char		category;
	bool		preferred;

	get_type_category_preferred(getBaseType(type), &category, &preferred);
	literal = clip_value(literal);
	return category == TYPCATEGORY_NUMERIC && strspn(literal, "0123456789.eE+-") == strlen(literal) ? literal :
		quote_literal_cstr(literal);
}

/* The values of a test, literals and those that attributes have; how many. */
static int
append_values(const Explanation *ex, StringInfo text, const ShapeTest *test, const ObjectGrant *grant)
{
	int			n = 0;
	int			all = list_length(test->literals) + list_length(test->attributes);
	ListCell   *cell;

	foreach(cell, test->literals)
	{
		if (n++ < SHOWN_VALUES)
			appendStringInfo(text, "%s%s", n > 1 ? ", " : "", value_text(test->field_type, lfirst(cell)));
	}
	foreach(cell, test->attributes)
	{
		const ShapeAttribute *attribute = lfirst(cell);
		char	   *value = session_attribute_text(ex->entry, attribute->name);

		if (n++ < SHOWN_VALUES)
			appendStringInfo(text, "%s%s (attribute %s)", n > 1 ? ", " : "",
							 attribute->form == ATTRIBUTE_ARRAY ? clip_value(value) : value_text(test->field_type, value),
							 quote_identifier(attribute->name));
	}
	if (all > SHOWN_VALUES)
		appendStringInfo(text, ", %d more", all - SHOWN_VALUES);
	if (all == 0)
	{
		const char *attribute = missing_attribute(ex, grant);

		appendStringInfo(text, "nothing (attribute %s is missing)", attribute == NULL ? "" : quote_identifier(attribute));
	}
	return Max(all, 1);
}

static void
append_test(const Explanation *ex, StringInfo text, const ShapeTest *test, const ObjectGrant *grant)
{
	static const char *const operators[] = {"=", "<", "<=", ">", ">="};
	StringInfoData values;
	bool		is_array = false;	/* some attribute is one */
	int			n;
	ListCell   *cell;

	appendStringInfo(text, "%s%s", text->len > 0 ? " AND " : "", quote_identifier(test->field));
	foreach(cell, test->attributes)
		is_array = is_array || ((const ShapeAttribute *) lfirst(cell))->form == ATTRIBUTE_ARRAY;
	initStringInfo(&values);
	if (test->operator == SCOPE_IS_NULL)
	{
		appendStringInfoString(text, " IS NULL");
		return;
	}
	n = append_values(ex, &values, test, grant);
	if (n == 1 && !is_array)
		appendStringInfo(text, " %s %s", operators[test->operator], values.data);
	else
		appendStringInfo(text, " %s%s %s%s%s", test->operator == SCOPE_EQUAL ? "IN" : operators[test->operator],
						 test->operator == SCOPE_EQUAL ? "" : " ANY", n > 1 ? "(" : "", values.data, n > 1 ? ")" : "");
}

/* The predicate of a grant's row scopes. Of tests of one field and operator that of the field's type of now is shown. */
char *
explain_predicate(const Explanation *ex, const ShapeArm *arm, const ObjectGrant *grant)
{
	StringInfoData text;
	const ShapeTest *shown = NULL;
	ListCell   *cell;
	ListCell   *other;

	initStringInfo(&text);
	foreach(cell, arm->tests)
	{
		const ShapeTest *test = lfirst(cell);
		const ShapeTest *best = test;

		if (shown != NULL && shape_same_group(shown, test))
			continue;
		foreach(other, arm->tests)
		{
			if (shape_same_group(test, lfirst(other)) && is_passed(ex, lfirst(other)))
				best = lfirst(other);
		}
		append_test(ex, &text, best, grant);
		shown = test;
	}
	return explain_clip(text.data);
}
