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
#include "utils/guc.h"
#include "utils/lsyscache.h"

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
	if (func_volatile(input) == PROVOLATILE_IMMUTABLE)
		return OidInputFunctionCall(input, text, param, -1);
	level = pin_settings();
	value = OidInputFunctionCall(input, text, param, -1);
	AtEOXact_GUC(true, level);
	return value;
}

/* Errors that are about something else than the value. */
bool
value_error_is_foreign(int code)
{
	int			class = ERRCODE_TO_CATEGORY(code);

	return class == ERRCODE_TO_CATEGORY(ERRCODE_OPERATOR_INTERVENTION) ||
		class == ERRCODE_TO_CATEGORY(ERRCODE_INSUFFICIENT_RESOURCES) ||
		class == ERRCODE_TO_CATEGORY(ERRCODE_T_R_SERIALIZATION_FAILURE);
}

static void
hide_literal(void *field)
{
	if (value_error_is_foreign(geterrcode()))
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
