/* validate_jwt.c - checking rows of spsa.jwt_issuer as they are written, whoever writes them.
 *
 * A row says whose signatures open sessions of anybody: what is weak or ambiguous in it is refused here, not when it is used.
 * No message has anything of a key.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "base/table.h"
#include "grant/validate.h"
#include "identity/jwt.h"
#include "identity/jwt_session.h"
#include "identity/redact.h"

#define MAX_TEXT 1000
#define MAX_TEXTS 100

static void
refuse(const char *message, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s", message),
			 hint != NULL ? errhint("%s", hint) : 0));
}

static const char *
column_name(const NewRow *row, AttrNumber number)
{
	return NameStr(TupleDescAttr(row->desc, number - 1)->attname);
}

/* PostgreSQL's own message about a null would show the row, secrets and all. */
static void
check_nulls(const NewRow *row)
{
	for (int number = 1; number <= row->desc->natts; number++)
	{
		bool		isnull;

		if (number == Anum_jwt_issuer_db_role || number == Anum_jwt_issuer_key_digests)
			continue;
		(void) validate_column(row, number, &isnull);
		if (isnull)
			ereport(ERROR,
					(errcode(ERRCODE_NOT_NULL_VIOLATION),
					 errmsg("%s must not be null", column_name(row, number))));
	}
}

static void
check_text(const NewRow *row, AttrNumber number)
{
	char	   *text = validate_text(row, number);

	if (*text == '\0' || strlen(text) > MAX_TEXT)
		refuse(psprintf("%s must be 1 to %d bytes long", column_name(row, number), MAX_TEXT), NULL);
}

/* The elements of a list; an error if there is a null, an empty text, or fewer than these. */
static Datum *
check_texts(const NewRow *row, AttrNumber number, int least, int *n)
{
	bool		isnull;
	Datum		value = validate_column(row, number, &isnull);
	Datum	   *texts;
	bool	   *nulls;
	bool		good;

	deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false, TYPALIGN_INT, &texts, &nulls, n);
	good = *n >= least && *n <= MAX_TEXTS && ARR_NDIM(DatumGetArrayTypeP(value)) <= 1;
	for (int i = 0; i < *n && good; i++)
		good = !nulls[i] && VARSIZE_ANY_EXHDR(DatumGetTextPP(texts[i])) > 0;
	if (!good)
		refuse(psprintf("%s must be a list of %d to %d texts that are not empty", column_name(row, number), least, MAX_TEXTS), NULL);
	return texts;
}

static uint32
check_algorithms(const NewRow *row)
{
	int			n;
	Datum	   *names = check_texts(row, Anum_jwt_issuer_algorithms, 1, &n);
	uint32		set = 0;

	for (int i = 0; i < n; i++)
	{
		char	   *name = TextDatumGetCString(names[i]);
		int			number = jwt_algorithm(name);

		if (number >= 0)
			set |= (uint32) 1 << number;
		else
			refuse(psprintf("algorithm \"%s\" is not supported", name),
				   "These are: RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, HS256, HS384, HS512.");
	}
	return set;
}

/* From nothing, or more than nothing, to the most. */
static void
check_interval(const NewRow *row, AttrNumber number, bool can_be_zero, const Interval *most, const char *most_text)
{
	Interval	zero = {0};
	bool		isnull;
	Datum		value = validate_column(row, number, &isnull);
	int			sign;

	sign = DatumGetInt32(DirectFunctionCall2(interval_cmp, value, IntervalPGetDatum(&zero)));
	if (sign < 0 || (sign == 0 && !can_be_zero) ||
		DatumGetInt32(DirectFunctionCall2(interval_cmp, value, IntervalPGetDatum(most))) > 0)
		refuse(psprintf("%s must be %s and at most %s", column_name(row, number),
						can_be_zero ? "zero or more" : "more than zero", most_text), NULL);
}

static void
check_attribute_claims(const NewRow *row)
{
	bool		isnull;
	Datum		value = validate_column(row, Anum_jwt_issuer_attribute_claims, &isnull);
	JsonbIterator *i;
	JsonbValue	item;
	JsonbIteratorToken token;
	bool		good;

	good = JB_ROOT_IS_OBJECT(DatumGetJsonbP(value));
	i = JsonbIteratorInit(&DatumGetJsonbP(value)->root);
	while (good && (token = JsonbIteratorNext(&i, &item, true)) != WJB_DONE)
	{
		if (token == WJB_VALUE)
			good = item.type == jbvString && item.val.string.len > 0;
	}
	if (!good)
		refuse("attribute_claims must be a JSON object of the names of claims by the names of attributes",
			   "For example: '{\"region\": \"https://example.com/region\"}'.");
}

/* What is kept of the keys, so that a session can be asked whether its key is still there. */
static Datum
key_digests(const Jwks *jwks)
{
	Datum		digests[JWKS_MAX_KEYS];

	for (int i = 0; i < jwks->n; i++)
	{
		bytea	   *digest = jwt_session_key_digest(&jwks->keys[i].key);

		if (digest == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INTERNAL_ERROR),
					 errmsg("could not compute the digest of a key")));
		digests[i] = PointerGetDatum(digest);
	}
	return PointerGetDatum(construct_array(digests, jwks->n, BYTEAOID, -1, false, TYPALIGN_INT));
}

/* The row with the digests of its keys. */
static HeapTuple
check_keys(const NewRow *row, uint32 algorithms)
{
	int			number = Anum_jwt_issuer_key_digests;
	bool		isnull;
	bool		not_null = false;
	Datum		value = validate_column(row, Anum_jwt_issuer_jwks, &isnull);
	Jwks	   *jwks = palloc(sizeof(Jwks));
	char	   *text;
	size_t		length;
	const char *fault;
	Datum		digests;

	text = JsonbToCString(NULL, &DatumGetJsonbP(value)->root, -1);

	length = strlen(text);
	fault = jwks_read(text, length, jwks);
	if (fault == NULL)
		fault = jwks_check(jwks, algorithms);
	if (fault != NULL)
		refuse(psprintf("jwks cannot be used: %s", fault),
			   "It is a JSON Web Key Set (RFC 7517) of public keys, or for HS256, HS384 and HS512 of secrets.");
	digests = key_digests(jwks);
	explicit_bzero(text, length);
	return heap_modify_tuple_by_cols(row->tuple, row->desc, 1, &number, &digests, &not_null);
}

/* SQL: spsa.check_jwt_issuer() */
PG_FUNCTION_INFO_V1(spsa_check_jwt_issuer);
Datum
spsa_check_jwt_issuer(PG_FUNCTION_ARGS)
{
	static const Interval ten_minutes = {10 * USECS_PER_MINUTE, 0, 0};
	static const Interval year = {0, 0, 12};
	NewRow		row = validate_row(fcinfo);
	int			n;

	redact_activity();
	check_nulls(&row);
	check_text(&row, Anum_jwt_issuer_issuer);
	check_text(&row, Anum_jwt_issuer_user_claim);
	(void) check_texts(&row, Anum_jwt_issuer_audience, 1, &n);
	(void) check_texts(&row, Anum_jwt_issuer_high_assurance_acr, 0, &n);
	(void) check_texts(&row, Anum_jwt_issuer_high_assurance_amr, 0, &n);
	check_interval(&row, Anum_jwt_issuer_clock_skew, true, &ten_minutes, "10 minutes");
	check_interval(&row, Anum_jwt_issuer_max_lifetime, false, &year, "1 year");
	check_attribute_claims(&row);
	return PointerGetDatum(check_keys(&row, check_algorithms(&row)));
}

/* SQL: spsa.find_jwt_issuer(text) */
PG_FUNCTION_INFO_V1(spsa_find_jwt_issuer);
Datum
spsa_find_jwt_issuer(PG_FUNCTION_ARGS)
{
	Snapshot	snapshot;
	ScanKeyData key;
	bool		found;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("issuer must not be null")));
	snapshot = table_snapshot();
	table_key(&key, Anum_jwt_issuer_issuer, F_TEXTEQ, PG_GETARG_DATUM(0));
	found = table_has_row("jwt_issuer", "jwt_issuer_pkey", snapshot, 1, &key);
	table_snapshot_release(snapshot);
	if (!found)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("issuer \"%s\" does not exist", text_to_cstring(PG_GETARG_TEXT_PP(0))),
				 errhint("Issuers are made with spsa_create_jwt_issuer().")));
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}
