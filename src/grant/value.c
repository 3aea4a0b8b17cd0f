/* value.c - values of row scopes between text and their field's type.
 *
 * Invariant 2: what a stored literal means must not depend on the settings of the user whose rows it scopes. So literals
 * are read once, under the settings of the administrator who writes them, and kept as printed under the settings below;
 * they are read again under these. Domains count as their base type: their constraints guard what is stored, not what is
 * compared.
 */
#include "postgres.h"

#include "catalog/pg_proc.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"

#include "grant/value.h"

static int
pin_settings(void)
{
	static const char *const settings[][2] = {
		{"DateStyle", "ISO, YMD"}, {"IntervalStyle", "postgres"}, {"TimeZone", "UTC"}, {"extra_float_digits", "1"},
		{"bytea_output", "hex"}, {"lc_monetary", "C"}, {"search_path", "pg_catalog, pg_temp"}, {"array_nulls", "on"},
		{"timezone_abbreviations", "Default"}
	};
	int			level = NewGUCNestLevel();

	for (int i = 0; i < lengthof(settings); i++)
		(void) set_config_option(settings[i][0], settings[i][1], PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	return level;
}

/* The value that text is now, as it will be stored. Errors are those of the type's input function. */
char *
value_canonical(Oid type, char *literal)
{
	Oid			base = getBaseType(type);
	Oid			input;
	Oid			output;
	Oid			param;
	bool		is_varlena;
	Datum		value;
	char	   *result;
	int			level;

	getTypeInputInfo(base, &input, &param);
	getTypeOutputInfo(base, &output, &is_varlena);
	value = OidInputFunctionCall(input, literal, param, -1);
	level = pin_settings();
	result = OidOutputFunctionCall(output, value);
	AtEOXact_GUC(true, level);
	return result;
}

/* Whether a text always stands for the same value of the type: not so with "today". */
bool
value_input_is_immutable(Oid type)
{
	Oid			input;
	Oid			param;

	getTypeInputInfo(getBaseType(type), &input, &param);
	return func_volatile(input) == PROVOLATILE_IMMUTABLE;
}

/* The value that canonical text means. */
Datum
value_from_text(Oid type, char *text)
{
	Oid			base = getBaseType(type);
	Oid			input;
	Oid			param;
	Datum		value;
	int			level;

	getTypeInputInfo(base, &input, &param);
	if (value_input_is_immutable(base))
		return OidInputFunctionCall(input, text, param, -1);
	level = pin_settings();
	value = OidInputFunctionCall(input, text, param, -1);
	AtEOXact_GUC(true, level);
	return value;
}

/* Errors that are about something else than the value. */
static bool
is_foreign(int code)
{
	int			class = ERRCODE_TO_CATEGORY(code);

	return class == ERRCODE_TO_CATEGORY(ERRCODE_OPERATOR_INTERVENTION) ||
		class == ERRCODE_TO_CATEGORY(ERRCODE_INSUFFICIENT_RESOURCES) ||
		class == ERRCODE_TO_CATEGORY(ERRCODE_T_R_SERIALIZATION_FAILURE);
}

static void
hide_literal(void *field)
{
	if (is_foreign(geterrcode()))
		return;
	errcode(ERRCODE_INVALID_PARAMETER_VALUE);
	errmsg("a row scope on field \"%s\" has a literal that is no value of the field's type any more",
		   (const char *) field);
	errdetail("The type has changed since the row scope was written.");
	errhint("An administrator corrects the row scope in spsa.row_scope.");
}

/* The same for a literal of a row scope: who asks for rows must not be shown it. */
Datum
value_from_literal(const char *field, Oid type, char *text)
{
	ErrorContextCallback callback = {error_context_stack, hide_literal, unconstify(char *, field)};
	Datum		value;

	error_context_stack = &callback;
	value = value_from_text(type, text);
	error_context_stack = callback.previous;
	return value;
}

/*
 * An attribute that is no value of the field's type: the input function's message would show the value, so it is
 * replaced as a whole.
 */
static void
hide_value(void *attribute)
{
	if (is_foreign(geterrcode()))
		return;
	errcode(ERRCODE_INVALID_PARAMETER_VALUE);
	errmsg("session attribute \"%s\" does not fit the type of the field that it scopes", (const char *) attribute);
	errdetail("A row scope compares a field with it.");
	errhint("Correct the attribute of the user, or open a session with another one.");
}

/* NULL: JSON null, which is no value. */
static char *
scalar_text(const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvNull:
			return NULL;
		case jbvString:
			return pnstrdup(value->val.string.val, value->val.string.len);
		case jbvNumeric:
			return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
		case jbvBool:
			return pstrdup(value->val.boolean ? "true" : "false");
		default:
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("session attribute is not a scalar")));
	}
}

static bool
is_array(const JsonbValue *value)
{
	return value->type == jbvBinary && JsonContainerIsArray(value->val.binary.data);
}

static int
convert_elements(const JsonbValue *array, Oid type, Datum **values)
{
	JsonbIterator *i = JsonbIteratorInit(array->val.binary.data);
	JsonbValue	element;
	JsonbIteratorToken token;
	int			n = 0;

	*values = palloc(sizeof(Datum) * (JsonContainerSize(array->val.binary.data) + 1));
	while ((token = JsonbIteratorNext(&i, &element, true)) != WJB_DONE)
	{
		char	   *text = token == WJB_ELEM ? scalar_text(&element) : NULL;

		if (text !=NULL)
			(*values)[n++] = value_from_text(type, text);
	}
	return n;
}

/* The values of a session's attribute, as values of a type; how many. 22023 names the attribute, never the value. */
int
value_from_attribute(SessionEntry *entry, const char *attribute, Oid type, Datum **values)
{
	ErrorContextCallback callback = {error_context_stack, hide_value, unconstify(char *, attribute)};
	JsonbValue *value = session_attribute_value(entry, attribute);
	char	   *text;
	int			n = 0;

	*values = NULL;
	if (value == NULL)
		return 0;
	error_context_stack = &callback;
	if (is_array(value))
		n = convert_elements(value, type, values);
	else if ((text = scalar_text(value)) !=NULL)
	{
		*values = palloc(sizeof(Datum));
		(*values)[n++] = value_from_text(type, text);
	}
	error_context_stack = callback.previous;
	return n;
}

/* An attribute that was converted once; kept with the session. */
typedef struct Constants
{
	char	   *attribute;
	Oid			type;
	int			n;
	Datum	   *values;
} Constants;

/* The same as value_from_attribute(), for types whose input is immutable. The values live as long as the entry. */
int
value_constants(SessionEntry *entry, const char *attribute, Oid type, const Datum **values)
{
	Constants  *constants;
	Datum	   *converted;
	MemoryContext caller;
	ListCell   *cell;
	int16		length;
	bool		by_value;
	int			n;

	foreach(cell, entry->constants)
	{
		constants = lfirst(cell);
		if (constants->type == type && strcmp(constants->attribute, attribute) == 0)
		{
			*values = constants->values;
			return constants->n;
		}
	}
	n = value_from_attribute(entry, attribute, type, &converted);
	get_typlenbyval(type, &length, &by_value);
	caller = MemoryContextSwitchTo(entry->context);
	constants = palloc(sizeof(Constants));
	constants->attribute = pstrdup(attribute);
	constants->type = type;
	constants->n = n;
	constants->values = palloc(sizeof(Datum) * (n + 1));
	for (int i = 0; i < n; i++)
		constants->values[i] = datumCopy(converted[i], by_value, length);
	entry->constants = lappend(entry->constants, constants);
	MemoryContextSwitchTo(caller);
	*values = constants->values;
	return constants->n;
}

/* Names all attributes of a session with their values; never 0. */
uint64
value_digest(SessionEntry *entry)
{
	StringInfoData all;
	uint8_t		hash[CRYPTO_HASH_BYTES];

	if (entry->attributes_digest != 0)
		return entry->attributes_digest;
	initStringInfo(&all);
	appendBinaryStringInfo(&all, (const char *) entry->user_attributes, VARSIZE(entry->user_attributes));
	appendBinaryStringInfo(&all, (const char *) entry->attributes, VARSIZE(entry->attributes));
	if (!crypto_sha256(all.data, all.len, hash))
		elog(ERROR, "could not compute SHA-256");
	pfree(all.data);
	memcpy(&entry->attributes_digest, hash, sizeof(uint64));
	entry->attributes_digest |= 1;
	return entry->attributes_digest;
}
