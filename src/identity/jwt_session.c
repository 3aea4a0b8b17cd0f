/* jwt_session.c - sessions of users whom an identity provider has authenticated, by its JSON Web Tokens.
 *
 * Invariants: a JWT opens a session only if jwt.c accepts it under the configuration of its issuer (spsa.jwt_issuer), read under a
 * fresh snapshot, and its user exists and is active. The caller is told one thing, whatever is wrong, and the log the cause,
 * with nothing of the JWT. The session ends by exp at the latest.
 *
 * A session that spsa_attach_jwt() opens has a token that is made of the JWT, so that the second use finds it like any other, by
 * the token's hash, without verifying anything: what a JWT was verified by, that is, its issuer and the key, is kept in
 * spsa.jwt_session and asked for again whenever the session is loaded. Without the issuer or the key the session is over: a key
 * that is taken away takes back what it has signed. That a JWT has been used stays in spsa.jwt_use until it expires, so that
 * none opens a second session when its first one was closed and purged.
 *
 * Locking: two first uses of one JWT meet in the unique index of spsa.jwt_use; the second waits, and finds the session of the
 * first. Others never wait.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "base/owner.h"
#include "base/table.h"
#include "identity/binding.h"
#include "identity/jwt.h"
#include "identity/jwt_session.h"
#include "identity/opening.h"
#include "identity/redact.h"

/* A row of spsa.jwt_issuer. */
typedef struct Issuer
{
	bool		is_active;
	ArrayType  *audience;
	uint32		algorithms;
	char	   *jwks;
	char	   *user_claim;
	Jsonb	   *attribute_claims;
	ArrayType  *high_assurance_acr;
	ArrayType  *high_assurance_amr;
	Interval	clock_skew;
	Interval	max_lifetime;
	bool		single_use;
	char	   *db_role;		/* NULL: the session user */
} Issuer;

/* A JWT that is being looked at, and what was found. */
typedef struct Login
{
	text	   *text;
	Jwt		   *jwt;
	Issuer		issuer;
	bytea	   *key_digest;		/* of the key that has signed it */
	SessionUser user;
	Jsonb	   *attributes;
} Login;

static bytea *
digest_bytea(const uint8_t digest[CRYPTO_HASH_BYTES])
{
	bytea	   *value = palloc(VARHDRSZ + CRYPTO_HASH_BYTES);

	SET_VARSIZE(value, VARHDRSZ + CRYPTO_HASH_BYTES);
	memcpy(VARDATA(value), digest, CRYPTO_HASH_BYTES);
	return value;
}

/* What is kept of a key, to tell whether it is still there; NULL if OpenSSL fails. */
bytea *
jwt_session_key_digest(const CryptoKey *key)
{
	uint8_t		digest[CRYPTO_HASH_BYTES];

	return crypto_key_digest(key, digest) ? digest_bytea(digest) : NULL;
}

static Datum *
elements(ArrayType *array, Oid type, int *n)
{
	Datum	   *values;
	bool	   *nulls;

	deconstruct_array(array, type, -1, false, TYPALIGN_INT, &values, &nulls, n);
	for (int i = 0; i < *n; i++)
	{
		if (nulls[i])
			*n = 0;				/* no row has any */
	}
	return values;
}

/* ---- whether an opened session is still trusted ---- */

typedef struct Origin
{
	bool		found;
	text	   *issuer;
	bytea	   *key_digest;
	bool		single_use;
	bool		own;			/* written by the present transaction */
} Origin;

static Origin
find_origin(const pg_uuid_t *session_id, Snapshot snapshot)
{
	Origin		origin = {false};
	TableScan	scan;
	ScanKeyData key;
	HeapTuple	row;
	bool		isnull;

	table_key(&key, Anum_jwt_session_session_id, F_UUID_EQ, UUIDPGetDatum(session_id));
	table_begin(&scan, "jwt_session", "jwt_session_pkey", snapshot, 1, &key);
	row = table_next(&scan);
	if (HeapTupleIsValid(row))
	{
		origin.found = true;
		origin.issuer = DatumGetTextPCopy(table_value(&scan, row, Anum_jwt_session_issuer, &isnull));
		origin.key_digest = DatumGetByteaPCopy(table_value(&scan, row, Anum_jwt_session_key_digest, &isnull));
		origin.single_use = DatumGetBool(table_value(&scan, row, Anum_jwt_session_single_use, &isnull));
		origin.own = TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(row->t_data));
	}
	table_end(&scan);
	return origin;
}

static bool
has_digest(ArrayType *digests, const bytea *digest)
{
	int			n;
	Datum	   *values = elements(digests, BYTEAOID, &n);

	for (int i = 0; i < n; i++)
	{
		bytea	   *value = DatumGetByteaPP(values[i]);

		if (VARSIZE_ANY_EXHDR(value) == VARSIZE_ANY_EXHDR(digest) &&
			crypto_equal(VARDATA_ANY(value), VARDATA_ANY(digest), VARSIZE_ANY_EXHDR(digest)))
			return true;
	}
	return false;
}

/* True as well for sessions that were not opened by a JWT. */
bool
jwt_session_is_trusted(const pg_uuid_t *session_id, Snapshot snapshot)
{
	Origin		origin = find_origin(session_id, snapshot);
	TableScan	scan;
	ScanKeyData key;
	HeapTuple	row;
	bool		isnull;
	bool		trusted;

	if (!origin.found)
		return true;
	table_key(&key, Anum_jwt_issuer_issuer, F_TEXTEQ, PointerGetDatum(origin.issuer));
	table_begin(&scan, "jwt_issuer", "jwt_issuer_pkey", snapshot, 1, &key);
	row = table_next(&scan);
	trusted = HeapTupleIsValid(row) && DatumGetBool(table_value(&scan, row, Anum_jwt_issuer_is_active, &isnull)) &&
		has_digest(DatumGetArrayTypePCopy(table_value(&scan, row, Anum_jwt_issuer_key_digests, &isnull)), origin.key_digest);
	table_end(&scan);
	return trusted;
}

/*
 * Whether the session stands for the only use of a token, and is not committed: it gives nothing yet, for ROLLBACK would make
 * the use undone and keep what was read.
 */
bool
jwt_session_is_unsettled(const pg_uuid_t *session_id, Snapshot snapshot)
{
	Origin		origin = find_origin(session_id, snapshot);

	return origin.found && origin.single_use && origin.own;
}

/* ---- verifying ---- */

static uint32
algorithm_set(ArrayType *names)
{
	int			n;
	Datum	   *values = elements(names, TEXTOID, &n);
	uint32		set = 0;

	for (int i = 0; i < n; i++)
	{
		int			number = jwt_algorithm(TextDatumGetCString(values[i]));

		if (number >= 0)
			set |= (uint32) 1 << number;
	}
	return set;
}

/* With room enough, so that growing leaves no copies of secrets. */
static char *
jwks_text(Jsonb *jwks)
{
	int			size = VARSIZE(jwks);
	char	   *text = JsonbToCString(NULL, &jwks->root, 2 * size + 1024);

	explicit_bzero(jwks, size);
	pfree(jwks);
	return text;
}

static void
fill_issuer(Issuer *issuer, const TableScan *scan, HeapTuple row)
{
	bool		isnull;
	Datum		value;

	issuer->is_active = DatumGetBool(table_value(scan, row, Anum_jwt_issuer_is_active, &isnull));
	issuer->audience = DatumGetArrayTypePCopy(table_value(scan, row, Anum_jwt_issuer_audience, &isnull));
	issuer->algorithms = algorithm_set(DatumGetArrayTypePCopy(table_value(scan, row, Anum_jwt_issuer_algorithms, &isnull)));
	issuer->jwks = jwks_text(DatumGetJsonbPCopy(table_value(scan, row, Anum_jwt_issuer_jwks, &isnull)));
	issuer->user_claim = TextDatumGetCString(table_value(scan, row, Anum_jwt_issuer_user_claim, &isnull));
	issuer->attribute_claims = DatumGetJsonbPCopy(table_value(scan, row, Anum_jwt_issuer_attribute_claims, &isnull));
	issuer->high_assurance_acr = DatumGetArrayTypePCopy(table_value(scan, row, Anum_jwt_issuer_high_assurance_acr, &isnull));
	issuer->high_assurance_amr = DatumGetArrayTypePCopy(table_value(scan, row, Anum_jwt_issuer_high_assurance_amr, &isnull));
	issuer->clock_skew = *DatumGetIntervalP(table_value(scan, row, Anum_jwt_issuer_clock_skew, &isnull));
	issuer->max_lifetime = *DatumGetIntervalP(table_value(scan, row, Anum_jwt_issuer_max_lifetime, &isnull));
	issuer->single_use = DatumGetBool(table_value(scan, row, Anum_jwt_issuer_single_use, &isnull));
	value = table_value(scan, row, Anum_jwt_issuer_db_role, &isnull);
	issuer->db_role = isnull ? NULL : pstrdup(NameStr(*DatumGetName(value)));
}

static bool
find_issuer(const char *name, Issuer *issuer)
{
	Snapshot	snapshot = table_snapshot();
	TableScan	scan;
	ScanKeyData key;
	HeapTuple	row;

	table_key(&key, Anum_jwt_issuer_issuer, F_TEXTEQ, CStringGetTextDatum(name));
	table_begin(&scan, "jwt_issuer", "jwt_issuer_pkey", snapshot, 1, &key);
	row = table_next(&scan);
	if (HeapTupleIsValid(row))
		fill_issuer(issuer, &scan, row);
	table_end(&scan);
	table_snapshot_release(snapshot);
	return HeapTupleIsValid(row);
}

/* Texts of tokens are UTF-8. A conversion could fail, with a message that shows what could not be converted. */
static bool
is_server_text(const char *text)
{
	if (GetDatabaseEncoding() == PG_UTF8)
		return true;
	while (*text !='\0' && !IS_HIGHBIT_SET(*text))
		text	  ++;

	return *text == '\0';
}

/* Whether a claim is one of these texts, or a list with one. */
static bool
claim_has_any(const Jwt *jwt, const char *claim, ArrayType *texts)
{
	int			n;
	Datum	   *values = elements(texts, TEXTOID, &n);

	for (int i = 0; i < n; i++)
	{
		if (jwt_claim_has(jwt, claim, TextDatumGetCString(values[i])))
			return true;
	}
	return false;
}

/* Only whoever may attach the session. */
static bool
is_for_role(const Issuer *issuer)
{
	Oid			role;

	if (issuer->db_role == NULL)
		return true;
	role = get_role_oid(issuer->db_role, true);
	return OidIsValid(role) && is_member_of_role_nosuper(GetOuterUserId(), role);
}

static const char *
verify_signature(Login *login)
{
	Jwks	   *jwks = palloc(sizeof(Jwks));
	size_t		length = strlen(login->issuer.jwks);
	const Jwk  *signed_by = NULL;
	const char *fault = jwks_read(login->issuer.jwks, length, jwks);

	if (fault == NULL)
		fault = jwt_verify(login->jwt, jwks, login->issuer.algorithms, &signed_by);
	if (fault == NULL)
	{
		login->key_digest = jwt_session_key_digest(&signed_by->key);
		fault = login->key_digest == NULL ? "OpenSSL failed" : NULL;
	}
	explicit_bzero(login->issuer.jwks, length);
	pfree(jwks);
	return fault;
}

#define MAX_NUMBER 40			/* digits; what is longer, or has an exponent,
								 * might be no numeric */

/* False if it is nothing that an attribute can be. */
static bool
attribute_scalar(const JsonNode *node, JsonbValue *value)
{
	switch (node->kind)
	{
		case JSON_STRING:
			value->type = jbvString;
			value->val.string.val = node->text;
			value->val.string.len = (int) node->length;
			return is_server_text(node->text);
		case JSON_NUMBER:
			if (node->length > MAX_NUMBER || strcspn(pnstrdup(node->text, node->length), "eE") < node->length)
				return false;
			value->type = jbvNumeric;
			value->val.numeric = DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(pnstrdup(node->text, node->length)),
																	 ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
			return true;
		case JSON_TRUE:
		case JSON_FALSE:
			value->type = jbvBool;
			value->val.boolean = node->kind == JSON_TRUE;
			return true;
		case JSON_OBJECT:
		case JSON_ARRAY:
		case JSON_NULL:
			break;
	}
	return false;
}

/* As the value of a key that has been pushed. */
static bool
push_attribute(JsonbParseState **state, const JsonNode *node)
{
	JsonbValue	value;

	if (node->kind != JSON_ARRAY)
	{
		if (!attribute_scalar(node, &value))
			return false;
		(void) pushJsonbValue(state, WJB_VALUE, &value);
		return true;
	}
	(void) pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
	for (node = node->first; node != NULL; node = node->next)
	{
		if (!attribute_scalar(node, &value))
			return false;
		(void) pushJsonbValue(state, WJB_ELEM, &value);
	}
	(void) pushJsonbValue(state, WJB_END_ARRAY, NULL);
	return true;
}

/* Attributes from claims; one that is missing, or null, matches no row. */
static const char *
read_attributes(Login *login)
{
	JsonbIterator *i = JsonbIteratorInit(&login->issuer.attribute_claims->root);
	JsonbParseState *state = NULL;
	JsonbValue	name;
	JsonbValue	claim;
	JsonbIteratorToken token;

	(void) pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	while ((token = JsonbIteratorNext(&i, &name, true)) != WJB_DONE)
	{
		const JsonNode *node;

		if (token != WJB_KEY)
			continue;
		(void) JsonbIteratorNext(&i, &claim, true);
		node = json_member(login->jwt->claims, pnstrdup(claim.val.string.val, claim.val.string.len));
		if (node == NULL || node->kind == JSON_NULL)
			continue;
		(void) pushJsonbValue(&state, WJB_KEY, &name);
		if (!push_attribute(&state, node))
			return "a claim cannot be an attribute";
	}
	login->attributes = JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
	return opening_contradiction(&login->user, login->attributes) == NULL ? NULL :
		"a claim contradicts an attribute that is recorded for the user";
}

static const char *
find_login_user(Login *login)
{
	const JsonNode *name = json_string_member(login->jwt->claims, login->issuer.user_claim);

	if (name == NULL)
		return "the claim that names the user is missing or no string";
	if (!is_server_text(name->text) || !opening_find_user(Anum_app_user_user_name, "app_user_user_name_key", F_TEXTEQ, CStringGetTextDatum(name->text), &login->user))
		return "the user does not exist";
	if (!login->user.is_active)
		return "the user is disabled";
	if (login->jwt->actor != NULL && !is_server_text(login->jwt->actor))
		return "the name of who acts for the user cannot be expressed in the database's encoding";
	return read_attributes(login);
}

static int64
seconds_of(TimestampTz when)
{
	return when / USECS_PER_SEC + (int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY;
}

static TimestampTz
timestamp_of(int64 seconds)
{
	return (seconds - (int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY) * USECS_PER_SEC;
}

/* Why the JWT does not authenticate anybody here, or NULL. What costs least comes first. */
static const char *
verify(Login *login)
{
	const char *fault;

	login->jwt = palloc(sizeof(Jwt));
	fault = jwt_read(VARDATA_ANY(login->text), VARSIZE_ANY_EXHDR(login->text), login->jwt);
	if (fault != NULL)
		return fault;
	if (!is_server_text(login->jwt->issuer) || !find_issuer(login->jwt->issuer, &login->issuer))
		return "the issuer is not known";
	if (!login->issuer.is_active)
		return "the issuer is switched off";
	if (!is_for_role(&login->issuer))
		return "the issuer's sessions are bound to another database role";
	if (!claim_has_any(login->jwt, "aud", login->issuer.audience))
		return "the token is for another audience";
	if (login->issuer.single_use && login->jwt->identifier == NULL)
		return "the token is for a single use and has no jti";
	fault = jwt_time_fault(login->jwt, seconds_of(GetCurrentTimestamp()),
						   session_idle_microseconds(&login->issuer.clock_skew) / USECS_PER_SEC);
	if (fault == NULL)
		fault = verify_signature(login);
	if (fault == NULL)
		fault = find_login_user(login);
	return fault;
}

/* ---- opening ---- */

/* Only for whoever has shown a JWT that is good. */
static void
check_can_write(void)
{
	if (XactReadOnly || RecoveryInProgress())
		ereport(ERROR,
				(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				 errmsg("cannot open a session in a read-only transaction"),
				 errhint("The first use of a JWT writes; later ones with spsa_attach_jwt() do not.")));
}

static OwnerStatement insert_use = {
	"INSERT INTO spsa.jwt_use (issuer, use_digest, expires_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
	3, {TEXTOID, BYTEAOID, TIMESTAMPTZOID}
};

/* False if it has been noted before; waits while another transaction notes it. */
static bool
note_use(const Login *login, const uint8_t digest[CRYPTO_HASH_BYTES])
{
	Datum		values[3];
	OwnerState	state;
	bool		first;

	values[0] = CStringGetTextDatum(login->jwt->issuer);
	values[1] = PointerGetDatum(digest_bytea(digest));
	values[2] = TimestampTzGetDatum(timestamp_of(login->jwt->expires_at) + session_idle_microseconds(&login->issuer.clock_skew));
	owner_begin_latest(&state);
	first = owner_execute(&insert_use, values, NULL) == 1;
	owner_end(&state);
	return first;
}

static OwnerStatement insert_origin = {
	"INSERT INTO spsa.jwt_session (session_id, issuer, key_digest, single_use) VALUES ($1, $2, $3, $4)",
	4, {UUIDOID, TEXTOID, BYTEAOID, BOOLOID}
};

static void
note_origin(const Login *login, const Opening *opening)
{
	Datum		values[4];
	OwnerState	state;

	values[0] = UUIDPGetDatum(&opening->session_id);
	values[1] = CStringGetTextDatum(login->jwt->issuer);
	values[2] = PointerGetDatum(login->key_digest);
	values[3] = BoolGetDatum(login->issuer.single_use);
	owner_begin(&state);
	owner_execute(&insert_origin, values, NULL);
	owner_end(&state);
}

/*
 * When the user has authenticated, if the token says so. Otherwise it is not known: iat moves whenever a token is renewed without
 * the user, and so does the moment of this call. What is not known is taken to be so long ago that it meets no limit on the age.
 */
static TimestampTz
authenticated_at(const Jwt *jwt, TimestampTz now)
{
	return jwt->authenticated_at == JWT_NO_TIME ? timestamp_of(0) : Min(timestamp_of(jwt->authenticated_at), now);
}

/* wanted: a lifetime, or NULL for as long as possible. secret: what the token is made of, or NULL for chance. */
static void
open_for(Login *login, Interval *wanted, const uint8_t *secret, Opening *opening)
{
	TimestampTz now = GetCurrentTimestamp();
	bool		high = claim_has_any(login->jwt, "acr", login->issuer.high_assurance_acr);

	high = high || claim_has_any(login->jwt, "amr", login->issuer.high_assurance_amr);

	opening->lifetime = wanted != NULL ? wanted : &login->issuer.max_lifetime;
	opening->ends_by = Min(timestamp_of(login->jwt->expires_at), opening_end_of(&login->issuer.max_lifetime, now, "lifetime"));
	opening->authenticated_at = authenticated_at(login->jwt, now);
	opening->db_role = login->issuer.db_role != NULL ? login->issuer.db_role : GetUserNameFromId(GetSessionUserId(), false);
	opening->security_level = high ? "high_assurance" : "standard";
	opening->attributes = login->attributes;
	opening->login_type = "jwt";
	opening->issuer = login->jwt->issuer;
	opening->actor = login->jwt->actor;
	opening->secret = secret;
	opening_make(&login->user, opening);
	note_origin(login, opening);
}

static void
refuse_opening(const char *reason)
{
	session_log_refusal("open a session", reason);
	session_raise_invalid();
}

/* SQL: spsa_open_session_jwt(text, interval) */
PG_FUNCTION_INFO_V1(spsa_open_session_jwt);
Datum
spsa_open_session_jwt(PG_FUNCTION_ARGS)
{
	Login		login = {0};
	Opening		opening = {0};
	Interval   *wanted = PG_ARGISNULL(1) ? NULL : PG_GETARG_INTERVAL_P(1);
	const char *fault;
	uint8_t		digest[CRYPTO_HASH_BYTES];

	redact_activity();
	opening_check_own_action();
	InitMaterializedSRF(fcinfo, 0);
	if (wanted != NULL)
		(void) opening_end_of(wanted, GetCurrentTimestamp(), "lifetime");
	if (PG_ARGISNULL(0))
		refuse_opening("the token is null");
	login.text = PG_GETARG_TEXT_PP(0);
	fault = verify(&login);
	if (fault != NULL)
		refuse_opening(fault);
	check_can_write();
	if (login.issuer.single_use &&
		(!crypto_sha256(login.jwt->identifier, strlen(login.jwt->identifier), digest) || !note_use(&login, digest)))
		refuse_opening("the token is for a single use and has been used");
	open_for(&login, wanted, NULL, &opening);
	opening_done(&opening);
	opening_return(fcinfo, &opening);
	return (Datum) 0;
}

/* ---- attaching ---- */

/* The first use of a JWT opens a session; false if it is not the first one, after all. */
static bool
open_first(text *jwt, const uint8_t secret[JWT_SECRET_BYTES], const uint8_t hash[CRYPTO_HASH_BYTES], Opening *opening)
{
	Login		login = {0};
	const char *fault;

	login.text = jwt;
	fault = verify(&login);
	if (fault == NULL && login.issuer.single_use)
		fault = "the issuer's tokens are for a single use";
	if (fault != NULL)
		opening_refuse_token(fault, NULL);
	check_can_write();
	if (!note_use(&login, hash))
		return false;
	open_for(&login, NULL, secret, opening);
	return true;
}

/* The session of a JWT: it is there, or it is opened. */
static SessionEntry *
find_or_open(text *jwt, const uint8_t secret[JWT_SECRET_BYTES], const uint8_t hash[CRYPTO_HASH_BYTES], Opening *opening,
			 bool *opened)
{
	const char *reason;
	SessionEntry *entry;

	AcceptInvalidationMessages();
	entry = session_accept(hash, &reason);
	*opened = false;
	if (entry == NULL)
	{
		/* Whatever fails now, no earlier binding is left, as with any token. */
		PG_TRY();
		{
			if (!session_exists(hash))
				*opened = open_first(jwt, secret, hash, opening);
		}
		PG_CATCH();
		{
			binding_poison();
			PG_RE_THROW();
		}
		PG_END_TRY();

		/*
		 * Also if it was there: another first use may have been committed
		 * since it was not.
		 */
		AcceptInvalidationMessages();
		entry = session_accept(hash, &reason);
	}
	if (entry == NULL)
		opening_refuse_token(reason, hash);
	return entry;
}

/* SQL: spsa_attach_jwt(text) */
PG_FUNCTION_INFO_V1(spsa_attach_jwt);
Datum
spsa_attach_jwt(PG_FUNCTION_ARGS)
{
	Opening		opening = {0};
	text	   *jwt;
	SessionEntry *entry;
	uint8_t		secret[JWT_SECRET_BYTES];
	uint8_t		hash[CRYPTO_HASH_BYTES];
	char		token[TOKEN_LENGTH + 1];
	bool		opened;
	pg_uuid_t  *result = palloc(sizeof(pg_uuid_t));

	redact_activity();
	opening_check_own_action();
	if (PG_ARGISNULL(0))
		opening_refuse_token("the token is null", NULL);
	jwt = PG_GETARG_TEXT_PP(0);
	if (VARSIZE_ANY_EXHDR(jwt) > JWT_MAX_LENGTH)
		opening_refuse_token("the token is too long", NULL);
	if (!jwt_token_secret(VARDATA_ANY(jwt), VARSIZE_ANY_EXHDR(jwt), secret) || !token_encode(secret, token) ||
		!token_hash(token, TOKEN_LENGTH, hash))
		opening_refuse_token("OpenSSL failed", NULL);
	entry = find_or_open(jwt, secret, hash, &opening, &opened);
	memcpy(result, &entry->session_id, sizeof(pg_uuid_t));
	opening_attach(entry, token, hash, true);
	explicit_bzero(secret, sizeof(secret));
	explicit_bzero(token, sizeof(token));
	explicit_bzero(opening.token, sizeof(opening.token));
	if (opened)
		opening_done(&opening);
	opening_warn_outside_transaction("spsa_attach_jwt", true);
	return UUIDPGetDatum(result);
}

/*
 * The keys as jwt_verify() has them: rows may be there that no trigger has seen, by replication or from a dump. Read with the
 * rights of nobody, so that whoever looks for faults needs no privilege on keys.
 *
 * SQL: spsa.jwt_issuer_fault(text)
 */
PG_FUNCTION_INFO_V1(spsa_jwt_issuer_fault);
Datum
spsa_jwt_issuer_fault(PG_FUNCTION_ARGS)
{
	Issuer		issuer;
	Jwks	   *jwks;
	size_t		length;
	const char *fault;

	if (!find_issuer(text_to_cstring(PG_GETARG_TEXT_PP(0)), &issuer))
		PG_RETURN_NULL();
	jwks = palloc(sizeof(Jwks));
	length = strlen(issuer.jwks);
	fault = jwks_read(issuer.jwks, length, jwks);
	if (fault == NULL)
		fault = jwks_check(jwks, issuer.algorithms);
	explicit_bzero(issuer.jwks, length);
	if (fault == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(fault));
}
