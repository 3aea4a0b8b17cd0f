/* totp_factor.c - second factors as the tables have them: reading, trying, keeping their secrets.
 *
 * Invariants: a code is compared only after the attempt was counted where ROLLBACK does not reach, and not at all when
 * there were too many failures. One that is right is used from then on for everybody, whatever becomes of the transaction.
 * Both are changes in place (base/table.h): they are made under the lock of a buffer, so of two backends one is first; and
 * they leave no lock, by which the holder of a session could keep an administrator waiting. Rows are read under a fresh snapshot.
 * Secrets leave this file as the URI of a new factor only.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/timestamp.h"

#include "base/owner.h"
#include "base/table.h"
#include "identity/session.h"
#include "identity/totp_factor.h"

/* ---- reading ---- */

static void
read_changes(StoredFactor *stored, Snapshot snapshot)
{
	TableScan	scan;
	ScanKeyData key;
	HeapTuple	row;
	bool		isnull;

	table_key(&key, Anum_totp_change_factor_id, F_INT8EQ, Int64GetDatum(stored->factor.factor_id));
	table_begin(&scan, "totp_change", "totp_change_factor_id_idx", snapshot, 1, &key);
	while (HeapTupleIsValid(row = table_next(&scan)))
	{
		char	   *change = TextDatumGetCString(table_value(&scan, row, Anum_totp_change_change, &isnull));

		if (strcmp(change, "confirm") == 0)
			stored->confirmed = true;
		else if (strcmp(change, "unlock") == 0)
			stored->unlocked = Max(stored->unlocked, DatumGetInt64(table_value(&scan, row, Anum_totp_change_attempts, &isnull)));
		else
			stored->removed = true;
	}
	table_end(&scan);
}

/* The bytes of a value; 0 if they are too many. */
static size_t
copy_bytes(void *to, size_t room, Datum value)
{
	struct varlena *bytes = PG_DETOAST_DATUM_PACKED(value);
	size_t		len = VARSIZE_ANY_EXHDR(bytes);

	if (len > room)
		return 0;
	memcpy(to, VARDATA_ANY(bytes), len);
	return len;
}

/* What does not fit does not open. */
static StoredFactor *
from_row(const TableScan *scan, HeapTuple row)
{
	StoredFactor *stored = palloc0(sizeof(StoredFactor));
	bool		isnull;
	Datum		value;

	stored->factor.factor_id = DatumGetInt64(table_value(scan, row, Anum_totp_factor_factor_id, &isnull));
	stored->factor.user_id = DatumGetInt64(table_value(scan, row, Anum_totp_factor_user_id, &isnull));
	value = table_value(scan, row, Anum_totp_factor_session_id, &isnull);
	stored->by_session = !isnull;
	if (!isnull)
		stored->session_id = *DatumGetUUIDP(value);
	(void) totp_algorithm(TextDatumGetCString(table_value(scan, row, Anum_totp_factor_algorithm, &isnull)), &stored->factor.algorithm);
	stored->factor.digits = DatumGetInt32(table_value(scan, row, Anum_totp_factor_digits, &isnull));
	stored->factor.period = DatumGetInt32(table_value(scan, row, Anum_totp_factor_period, &isnull));
	(void) copy_bytes(stored->key_id, KEYRING_MAX_ID, table_value(scan, row, Anum_totp_factor_key_id, &isnull));
	(void) copy_bytes(stored->nonce, CRYPTO_NONCE_BYTES, table_value(scan, row, Anum_totp_factor_nonce, &isnull));
	stored->sealed_len = copy_bytes(stored->sealed, TOTP_MAX_SEALED, table_value(scan, row, Anum_totp_factor_secret, &isnull));
	stored->enrolled_at = DatumGetTimestampTz(table_value(scan, row, Anum_totp_factor_enrolled_at, &isnull));
	return stored;
}

/* Those that an index finds, without what was removed. */
static List *
read_factors(const char *index, AttrNumber column, int64 value)
{
	List	   *found = NIL;
	Snapshot	snapshot = table_snapshot();
	TableScan	scan;
	ScanKeyData key;
	HeapTuple	row;

	table_key(&key, column, F_INT8EQ, Int64GetDatum(value));
	table_begin(&scan, "totp_factor", index, snapshot, 1, &key);
	while (HeapTupleIsValid(row = table_next(&scan)))
	{
		StoredFactor *stored = from_row(&scan, row);

		read_changes(stored, snapshot);
		if (!stored->removed)
			found = lappend(found, stored);
	}
	table_end(&scan);
	table_snapshot_release(snapshot);
	return found;
}

List *
totp_factor_list(int64 user_id)
{
	return read_factors("totp_factor_user_id_idx", Anum_totp_factor_user_id, user_id);
}

/* The one that counts, or NULL. Should there be several, the oldest: a new one takes its place by removing it. */
const StoredFactor *
totp_factor_confirmed(int64 user_id)
{
	const StoredFactor *found = NULL;
	ListCell   *cell;

	foreach(cell, totp_factor_list(user_id))
	{
		const StoredFactor *stored = lfirst(cell);

		if (stored->confirmed && (found == NULL || stored->factor.factor_id < found->factor.factor_id))
			found = stored;
	}
	return found;
}

/* ---- secrets ---- */

static void
open_secret(const StoredFactor *stored, const char *user_name, uint8_t secret[TOTP_MAX_SECRET], size_t *len)
{
	KeyringKey	key;
	bool		ok;

	key_file_read(stored->key_id, &key);
	ok = totp_open(&stored->factor, stored->key_id, key.key, stored->nonce, stored->sealed, stored->sealed_len, secret, len);
	explicit_bzero(&key, sizeof(key));
	if (!ok)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("the second factor of user \"%s\" cannot be decrypted", user_name),
				 errdetail_log("Key \"%s\" is another one than it was encrypted under, or the row was changed.", stored->key_id),
				 errhint("An administrator removes it with spsa_remove_user_totp().")));
}

static bytea *
make_bytea(const uint8_t *bytes, size_t len)
{
	bytea	   *value = palloc(VARHDRSZ + len);

	SET_VARSIZE(value, VARHDRSZ + len);
	memcpy(VARDATA(value), bytes, len);
	return value;
}

/* Under the current key, whose name it sets. */
static bool
seal_secret(StoredFactor *stored, const KeyringKey *key, const uint8_t *secret, size_t len)
{
	strlcpy(stored->key_id, key->id, sizeof(stored->key_id));
	stored->sealed_len = len + CRYPTO_TAG_BYTES;
	return pg_strong_random(stored->nonce, sizeof(stored->nonce)) &&
		totp_seal(&stored->factor, key->id, key->key, stored->nonce, secret, len, stored->sealed);
}

static void
raise_no_secret(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INTERNAL_ERROR),
			 errmsg("could not make or encrypt a secret"),
			 errhint("The server's source of random numbers or OpenSSL failed; try again.")));
}

static OwnerStatement insert_factor = {
	"WITH f AS (INSERT INTO spsa.totp_factor (factor_id, user_id, session_id, algorithm, digits, period, key_id, nonce, secret)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING factor_id)"
	" INSERT INTO spsa.totp_counter (factor_id) SELECT f.factor_id FROM f",
	9, {INT8OID, INT8OID, UUIDOID, TEXTOID, INT4OID, INT4OID, TEXTOID, BYTEAOID, BYTEAOID}
};

static void
store(const StoredFactor *stored, const pg_uuid_t *session_id)
{
	Datum		values[9];
	bool		nulls[9] = {false};

	values[0] = Int64GetDatum(stored->factor.factor_id);
	values[1] = Int64GetDatum(stored->factor.user_id);
	values[2] = UUIDPGetDatum(session_id);
	nulls[2] = session_id == NULL;
	values[3] = CStringGetTextDatum(totp_algorithm_name(stored->factor.algorithm));
	values[4] = Int32GetDatum(stored->factor.digits);
	values[5] = Int32GetDatum(stored->factor.period);
	values[6] = CStringGetTextDatum(stored->key_id);
	values[7] = PointerGetDatum(make_bytea(stored->nonce, sizeof(stored->nonce)));
	values[8] = PointerGetDatum(make_bytea(stored->sealed, stored->sealed_len));
	owner_execute(&insert_factor, values, nulls);
}

/* Between owner_begin() and owner_end(); the URI, in memory of its own. The factor gets its number. Names are UTF-8. */
char *
totp_factor_enroll(TotpFactor *factor, const pg_uuid_t *session_id, const char *issuer, const char *account)
{
	StoredFactor stored = {0};
	uint8_t		secret[TOTP_MAX_SECRET];
	size_t		len = totp_secret_length(factor->algorithm);
	char	   *uri = SPI_palloc(TOTP_URI_SIZE);
	KeyringKey	key;
	bool		ok;

	factor->factor_id = nextval_internal(table_oid("totp_factor_id_seq"), false);
	stored.factor = *factor;
	key_file_read(NULL, &key);
	ok = pg_strong_random(secret, len) && seal_secret(&stored, &key, secret, len) &&
		totp_uri(factor, issuer, account, secret, len, uri);
	explicit_bzero(&key, sizeof(key));
	explicit_bzero(secret, sizeof(secret));
	if (!ok)
		raise_no_secret();
	store(&stored, session_id);
	return uri;
}

/* ---- trying ---- */

static void
factor_key(ScanKey key, const StoredFactor *stored)
{
	table_key(key, Anum_totp_counter_factor_id, F_INT8EQ, Int64GetDatum(stored->factor.factor_id));
}

/* Counts an attempt, unless there were too many failures: then, or if there is no counter, false. */
static bool
count_attempt(const StoredFactor *stored, int64 *failures, int64 *used_step)
{
	TableChange change;
	ScanKeyData key;
	int64		attempts;

	factor_key(&key, stored);
	if (!table_change_begin(&change, "totp_counter", "totp_counter_pkey", &key))
		return false;
	attempts = table_change_get(&change, Anum_totp_counter_attempts);
	*failures = attempts - Max(table_change_get(&change, Anum_totp_counter_forgiven), stored->unlocked);
	*used_step = table_change_get(&change, Anum_totp_counter_used_step);
	if (*failures >= TOTP_MAX_FAILURES)
	{
		table_change_cancel(&change);
		return false;
	}
	table_change_set(&change, Anum_totp_counter_attempts, attempts + 1);
	table_change_finish(&change);
	return true;
}

/* Notes the step of a code that was right, and forgives the failures before it; false if somebody was faster. */
static bool
use_step(const StoredFactor *stored, int64 step)
{
	TableChange change;
	ScanKeyData key;

	factor_key(&key, stored);
	if (!table_change_begin(&change, "totp_counter", "totp_counter_pkey", &key))
		return false;
	if (step <= table_change_get(&change, Anum_totp_counter_used_step))
	{
		table_change_cancel(&change);
		return false;
	}
	table_change_set(&change, Anum_totp_counter_used_step, step);
	table_change_set(&change, Anum_totp_counter_forgiven, table_change_get(&change, Anum_totp_counter_attempts));
	table_change_finish(&change);
	return true;
}

static void
refuse_code(const char *user_name, const char *what, const char *reason)
{
	session_log_refusal(what, psprintf("the code for user \"%s\" %s", user_name, reason));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PASSWORD),
			 errmsg("code is not valid"),
			 errhint("Wait for the next code, and check the clock of the device that shows it.")));
}

static void
refuse_locked(const char *user_name, const char *what)
{
	session_log_refusal(what, psprintf("the second factor of user \"%s\" is locked", user_name));
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the second factor of user \"%s\" is locked", user_name),
			 errdetail("There were %d failures in a row.", TOTP_MAX_FAILURES),
			 errhint("An administrator unlocks it with spsa_unlock_user_totp().")));
}

/* The secret is opened first, so that a fault of the key file is no failure of the user's. */
static TotpAnswer
try(const StoredFactor *stored, const char *user_name, const char *code, int64 *failures)
{
	uint8_t		secret[TOTP_MAX_SECRET];
	size_t		len = 0;
	volatile TotpAnswer answer = TOTP_FAILED;
	int64		used_step;
	int64		step = -1;

	open_secret(stored, user_name, secret, &len);
	PG_TRY();
	{
		if (count_attempt(stored, failures, &used_step))
			answer = totp_check(&stored->factor, secret, len, (int64) timestamptz_to_time_t(GetCurrentTimestamp()), used_step, code, &step);
	}
	PG_FINALLY();
	{
		explicit_bzero(secret, sizeof(secret));
	}
	PG_END_TRY();
	if (answer == TOTP_RIGHT && !use_step(stored, step))
		answer = TOTP_USED;
	return answer;
}

/* An error unless the code is right, and was not used before. */
void
totp_factor_require(const StoredFactor *stored, const char *user_name, const char *what, const text *code)
{
	int64		failures = TOTP_MAX_FAILURES;

	if (!totp_is_code(&stored->factor, VARDATA_ANY(code), VARSIZE_ANY_EXHDR(code)))
		refuse_code(user_name, what, "is none");
	switch (try(stored, user_name, VARDATA_ANY(code), &failures))
	{
		case TOTP_RIGHT:
			break;
		case TOTP_WRONG:
			refuse_code(user_name, what, psprintf("is wrong (failure %d of %d)", (int) failures + 1, TOTP_MAX_FAILURES));
			break;
		case TOTP_USED:
			refuse_code(user_name, what, psprintf("was used before (failure %d of %d)", (int) failures + 1, TOTP_MAX_FAILURES));
			break;
		case TOTP_FAILED:
			if (failures >= TOTP_MAX_FAILURES)
				refuse_locked(user_name, what);
			refuse_code(user_name, what, "could not be computed");
			break;
	}
}

/* ---- what becomes of them: between owner_begin_latest() and owner_end() ---- */

static OwnerStatement insert_confirmation = {
	"INSERT INTO spsa.totp_change (factor_id, change) VALUES ($1, 'confirm')", 1, {INT8OID}
};

void
totp_factor_confirm(int64 factor_id)
{
	Datum		value = Int64GetDatum(factor_id);

	owner_execute(&insert_confirmation, &value, NULL);
}

#define NOT_REMOVED \
	" AND NOT EXISTS (SELECT FROM spsa.totp_change c WHERE c.factor_id = f.factor_id AND c.change = 'remove')"

static OwnerStatement insert_removal = {
	"INSERT INTO spsa.totp_change (factor_id, change) SELECT f.factor_id, 'remove' FROM spsa.totp_factor f"
	" WHERE f.user_id = $1 AND f.factor_id <> $2" NOT_REMOVED,
	2, {INT8OID, INT8OID}
};

/* All of a user's but one; how many. */
int
totp_factor_remove(int64 user_id, int64 but_factor_id)
{
	Datum		values[2] = {Int64GetDatum(user_id), Int64GetDatum(but_factor_id)};

	return owner_execute(&insert_removal, values, NULL);
}

static OwnerStatement insert_unlock = {
	"INSERT INTO spsa.totp_change (factor_id, change, attempts) SELECT f.factor_id, 'unlock', n.attempts"
	" FROM spsa.totp_factor f JOIN spsa.totp_counter n ON n.factor_id = f.factor_id WHERE f.user_id = $1"
	" AND n.attempts > GREATEST(n.forgiven, (SELECT pg_catalog.max(c.attempts) FROM spsa.totp_change c"
	" WHERE c.factor_id = f.factor_id AND c.change = 'unlock'))" NOT_REMOVED,
	1, {INT8OID}
};

/* Of how many factors failures were forgiven. */
int
totp_factor_unlock(int64 user_id)
{
	Datum		value = Int64GetDatum(user_id);

	return owner_execute(&insert_unlock, &value, NULL);
}

static OwnerStatement find_older = {
	"SELECT f.factor_id, u.user_name FROM spsa.totp_factor f JOIN spsa.app_user u ON u.user_id = f.user_id"
	" WHERE f.key_id <> $1" NOT_REMOVED " ORDER BY f.factor_id",
	1, {TEXTOID}
};

static OwnerStatement update_secret = {
	"UPDATE spsa.totp_factor f SET key_id = $2, nonce = $3, secret = $4 WHERE f.factor_id = $1",
	4, {INT8OID, TEXTOID, BYTEAOID, BYTEAOID}
};

static bool
reencrypt(int64 factor_id, const char *user_name, const KeyringKey *key)
{
	List	   *found = read_factors("totp_factor_pkey", Anum_totp_factor_factor_id, factor_id);
	uint8_t		secret[TOTP_MAX_SECRET];
	size_t		len = 0;
	StoredFactor *stored;
	Datum		values[4];
	bool		ok;

	if (found == NIL)
		return false;
	stored = linitial(found);
	open_secret(stored, user_name, secret, &len);
	ok = seal_secret(stored, key, secret, len);
	explicit_bzero(secret, sizeof(secret));
	if (!ok)
		raise_no_secret();
	values[0] = Int64GetDatum(factor_id);
	values[1] = CStringGetTextDatum(stored->key_id);
	values[2] = PointerGetDatum(make_bytea(stored->nonce, sizeof(stored->nonce)));
	values[3] = PointerGetDatum(make_bytea(stored->sealed, stored->sealed_len));
	return owner_execute(&update_secret, values, NULL) > 0;
}

/* What is not under the current key; how many, and the name of that key. */
int
totp_factor_reencrypt(char current[KEYRING_MAX_ID + 1])
{
	KeyringKey	key;
	Datum		value;
	SPITupleTable *rows;
	volatile int count = 0;
	int			n;

	key_file_read(NULL, &key);
	strlcpy(current, key.id, KEYRING_MAX_ID + 1);
	value = CStringGetTextDatum(key.id);
	PG_TRY();
	{
		n = owner_execute(&find_older, &value, NULL);
		rows = SPI_tuptable;
		for (int i = 0; i < n; i++)
		{
			bool		isnull;
			int64		factor_id = DatumGetInt64(SPI_getbinval(rows->vals[i], rows->tupdesc, 1, &isnull));

			CHECK_FOR_INTERRUPTS();
			count += reencrypt(factor_id, SPI_getvalue(rows->vals[i], rows->tupdesc, 2), &key);
		}
	}
	PG_FINALLY();
	{
		explicit_bzero(&key, sizeof(key));
	}
	PG_END_TRY();
	return count;
}
