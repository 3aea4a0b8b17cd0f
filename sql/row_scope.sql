-- row_scope: which rows row scopes reach. The rows that a session sees are compared to a hand-written WHERE on an
-- unprotected copy of the table, in the same query.

CREATE EXTENSION spsa;
SET client_min_messages = warning;
CREATE ROLE regress_spsa_row_scope_clerk;
CREATE SCHEMA regress_spsa_row_scope;
GRANT USAGE ON SCHEMA regress_spsa_row_scope TO regress_spsa_row_scope_clerk;
SET search_path = regress_spsa_row_scope, public;

-- Without ICU another collation takes its place: what is compared here is not what it does but that both do the same.
DO $$
BEGIN
	CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
EXCEPTION WHEN OTHERS THEN
	CREATE COLLATION ci FROM "C";
END
$$;
CREATE TYPE level AS ENUM ('low', 'medium', 'high');
CREATE TYPE pair AS (a integer, b text);
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE DOMAIN code AS text COLLATE ci CHECK (VALUE <> '');
CREATE TABLE typed (
	id integer, int2_ smallint, int_ integer, bigint_ bigint, numeric_ numeric, real_ real, float_ double precision, text_ text,
	c_ text COLLATE "C", ci_ text COLLATE ci, varchar_ varchar(20), char_ char(6), name_ name, uuid_ uuid, date_ date, time_ time,
	timestamp_ timestamp, timestamptz_ timestamptz, interval_ interval, enum_ level, inet_ inet, cidr_ cidr, bool_ boolean, bytea_ bytea,
	domain_ positive, code_ code, ints_ integer[], texts_ text[], range_ int4range, jsonb_ jsonb, pair_ pair, money_ money, oid_ oid
);
SET TimeZone = 'UTC';
INSERT INTO typed
SELECT i, i, i, i * 10000000000, (ARRAY['1.5', '2', '2.00', '-3', 'NaN', '1e40', '0', '0.1']::numeric[])[i],
	(ARRAY['1.5', '2', 'NaN', '-3', '-0', '0', 'Infinity', '0.1']::real[])[i],
	(ARRAY['1.5', '2', 'NaN', '-3', '-0', '0', '-Infinity', '0.1']::float8[])[i],
	w, w, w, w, left(w, 6), w, ('00000000-0000-0000-0000-00000000000' || i)::uuid,
	(ARRAY['2024-01-02', '2024-02-01', 'infinity', '-infinity', '0044-03-15 BC', '1999-12-31', '2024-02-29', '2024-01-02']::date[])[i],
	time '08:00' + i * interval '30 minutes',
	timestamp '2024-03-10 06:00' + i * interval '1 hour', timestamptz '2024-03-10 06:00+00' + i * interval '1 hour',
	(ARRAY['1 month', '30 days', '-1 day 2 hours', '1 day -2 hours', '2 years 3 months', '00:00:01.5', '0', '31 days']::interval[])[i],
	(ARRAY['low', 'medium', 'high']::level[])[i % 3 + 1],
	(ARRAY['10.0.0.1', '10.0.0.0/8', '10.0.0.1/8', '::1', '192.168.0.1', '10.0.0.1/32', 'fe80::/10', '10.2.3.4']::inet[])[i],
	(ARRAY['10.0.0.0/8', '10.0.0.0/9', '0.0.0.0/0', '::1', '192.168.0.0/16', '10.0.0.0/8', 'fe80::/10', '::/0']::cidr[])[i],
	i % 2 = 0, (ARRAY['\x', '\x00', '\x0001', '\x61', '\x6162', '\xff', '\x5c', '\x27']::bytea[])[i],
	i, CASE WHEN w = '' THEN 'x' ELSE w END, (ARRAY['{}', '{1}', '{1,2}', '{2,1}', '{NULL}', '{1,NULL}', '{{1,2},{3,4}}', '{9}'])[i]::integer[],
	(ARRAY['{}', '{a}', '{A}', '{"a,b"}', '{a,b}', '{NULL}', '{"NULL"}', '{"\""}'])[i]::text[],
	(ARRAY['empty', '[1,3)', '[1,2]', '(,5)', '[5,)', '(,)', '[2,3)', '[7,8)']::int4range[])[i],
	(ARRAY['1', '"a"', '{"a": 1}', '[1]', 'null', 'true', '{"a": 1.0}', '[]']::jsonb[])[i],
	(ARRAY['(1,a)', '(1,A)', '(,a)', '(1,)', '(,)', '(2,"x,y")', '(2,z)', '(1,a)']::pair[])[i],
	(i * 1234.56)::numeric::money, i
FROM generate_series(1, 8) i, LATERAL (SELECT (ARRAY['a', 'A', 'b', 'ä', 'zebra', '', 'O''Neil, "x"', 'NULL'])[i] AS w) l;
INSERT INTO typed VALUES (9);
CREATE TABLE plain AS SELECT * FROM typed;
GRANT SELECT, INSERT, UPDATE, DELETE ON typed, plain TO regress_spsa_row_scope_clerk;
SELECT spsa_protect('typed', ARRAY(SELECT attname FROM pg_attribute WHERE attrelid = 'typed'::regclass AND attnum > 1 ORDER BY attnum));

-- A test: a user with permission sets, each an array of scopes (null: not scoped), and the WHERE that is expected of them.
CREATE TABLE test (n integer GENERATED ALWAYS AS IDENTITY, what text, wanted text, token text);
GRANT SELECT ON test TO regress_spsa_row_scope_clerk;
CREATE PROCEDURE make_test(what text, attributes jsonb, wanted text, VARIADIC sets jsonb[]) LANGUAGE plpgsql AS $$
DECLARE
	one jsonb;
	s jsonb;
	name text;
	who text := 'user' || (SELECT count(*) FROM test);
BEGIN
	PERFORM spsa_create_user(who);
	FOREACH one IN ARRAY sets LOOP
		name := who || '_' || (SELECT count(*) FROM spsa.permission_set);
		PERFORM spsa_create_permission_set(name), spsa_grant_object(name, 'typed', '{read}', jsonb_typeof(one) = 'array');
		FOR s IN SELECT jsonb_array_elements(one) WHERE jsonb_typeof(one) = 'array' LOOP
			PERFORM spsa_grant_rows(name, 'typed', (s ->> 'f')::name,
				literals => CASE WHEN s ? 'l' THEN ARRAY(SELECT jsonb_array_elements_text(s -> 'l')) END, attribute => s ->> 'a',
				operator => COALESCE(s ->> 'op', '='),
				privileges => CASE WHEN s ? 'p' THEN ARRAY(SELECT jsonb_array_elements_text(s -> 'p')) END);
		END LOOP;
		PERFORM spsa_assign(who, name);
	END LOOP;
	INSERT INTO test (what, wanted, token)
	SELECT what, wanted, o.token FROM spsa_open_session(who, attributes => attributes, db_role => 'regress_spsa_row_scope_clerk') o;
END
$$;
-- Everything in it is qualified: it runs under whatever path the user chooses.
CREATE FUNCTION compare(token text, wanted text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	sees integer[];
	should integer[];
BEGIN
	PERFORM public.spsa_attach(token);
	EXECUTE 'SELECT (SELECT COALESCE(array_agg(id ORDER BY id), ''{}'') FROM regress_spsa_row_scope.typed),'
		' (SELECT COALESCE(array_agg(id ORDER BY id), ''{}'') FROM regress_spsa_row_scope.plain WHERE ' || wanted || ')' INTO sees, should;
	PERFORM public.spsa_detach();
	RETURN CASE WHEN sees = should THEN format('same %s', sees) ELSE format('DIFFERENT: sees %s, should see %s', sees, should) END;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ': ' || SQLERRM;
END
$$;
-- Where it depends on the collation, which rows are reached is not shown.
CREATE VIEW result AS
	SELECT n, what, CASE WHEN what LIKE '%collation%' THEN left(compare(token, wanted), 4) ELSE compare(token, wanted) END FROM test;
ALTER VIEW result SET (security_invoker = true);
GRANT SELECT ON result TO regress_spsa_row_scope_clerk;

--
-- Every type, by literals. They are written under settings that nobody reads them under.
--
SET DateStyle = 'SQL, DMY';
SET TimeZone = 'Asia/Tokyo';
SET IntervalStyle = 'sql_standard';
SET extra_float_digits = -15;
SET bytea_output = 'escape';
CALL make_test('smallint =', '{}', 'int2_ IN (2, 4)', '[{"f": "int2_", "l": ["2", "4"]}]');
CALL make_test('int =', '{}', 'int_ IN (2, 4, 77)', '[{"f": "int_", "l": ["2", " 4 ", "77", "004"]}]');
CALL make_test('int <', '{}', 'int_ < 3', '[{"f": "int_", "op": "<", "l": ["3"]}]');
CALL make_test('int <=', '{}', 'int_ <= 3', '[{"f": "int_", "op": "<=", "l": ["3"]}]');
CALL make_test('int >', '{}', 'int_ > 3', '[{"f": "int_", "op": ">", "l": ["3"]}]');
CALL make_test('int >=', '{}', 'int_ >= 3', '[{"f": "int_", "op": ">=", "l": ["3"]}]');
CALL make_test('int is null', '{}', 'int_ IS NULL', '[{"f": "int_", "op": "is null"}]');
CALL make_test('int < any', '{}', 'int_ < 3 OR int_ < 5', '[{"f": "int_", "op": "<", "l": ["5", "3"]}]');
CALL make_test('bigint =', '{}', 'bigint_ IN (30000000000, -1)', '[{"f": "bigint_", "l": ["30000000000", "-1"]}]');
CALL make_test('bigint >', '{}', 'bigint_ > 30000000000', '[{"f": "bigint_", "op": ">", "l": ["30000000000"]}]');
CALL make_test('numeric =', '{}', 'numeric_ IN (2.0, ''NaN'', 1e40)', '[{"f": "numeric_", "l": ["2.0", "nan", "1E40"]}]');
CALL make_test('numeric <', '{}', 'numeric_ < 1.5', '[{"f": "numeric_", "op": "<", "l": ["1.500"]}]');
CALL make_test('numeric >=', '{}', 'numeric_ >= 1e40', '[{"f": "numeric_", "op": ">=", "l": ["1e40"]}]');
CALL make_test('real =', '{}', 'real_ IN (0::real, 0.1::real)', '[{"f": "real_", "l": ["0", "0.1"]}]');
CALL make_test('real =', '{}', 'real_ = ''NaN''', '[{"f": "real_", "l": ["NaN"]}]');
CALL make_test('float8 =', '{}', 'float_ IN (0.1, ''-Infinity'', ''NaN'')', '[{"f": "float_", "l": ["0.1", "-Infinity", "NaN"]}]');
CALL make_test('float8 =', '{}', 'float_ = 0.10000000000000002', '[{"f": "float_", "l": ["0.10000000000000002"]}]');
CALL make_test('float8 >', '{}', 'float_ > 1.5', '[{"f": "float_", "op": ">", "l": ["1.5"]}]');
CALL make_test('float8 <=', '{}', 'float_ <= 0', '[{"f": "float_", "op": "<=", "l": ["-0"]}]');
CALL make_test('text =', '{}', 'text_ IN (''a'', ''ä'', '''', ''NULL'')', '[{"f": "text_", "l": ["a", "ä", "", "NULL", "a "]}]');
CALL make_test('text =', '{}', 'text_ = ''O''''Neil, "x"''', '[{"f": "text_", "l": ["O''Neil, \"x\""]}]');
CALL make_test('C =', '{}', 'c_ IN (''A'', ''zebra'')', '[{"f": "c_", "l": ["A", "zebra"]}]');
CALL make_test('C <', '{}', 'c_ < ''a''', '[{"f": "c_", "op": "<", "l": ["a"]}]');
CALL make_test('C >', '{}', 'c_ > ''b''', '[{"f": "c_", "op": ">", "l": ["b"]}]');
CALL make_test('ci = (collation)', '{}', 'ci_ IN (''a'', ''B'', ''ZEBRA'')', '[{"f": "ci_", "l": ["a", "B", "ZEBRA"]}]');
CALL make_test('ci < (collation)', '{}', 'ci_ < ''B''', '[{"f": "ci_", "op": "<", "l": ["B"]}]');
CALL make_test('ci >= (collation)', '{}', 'ci_ >= ''Ä''', '[{"f": "ci_", "op": ">=", "l": ["Ä"]}]');
CALL make_test('varchar =', '{}', 'varchar_ IN (''a'', ''zebra'')', '[{"f": "varchar_", "l": ["a", "zebra", "longer than twenty characters"]}]');
CALL make_test('varchar > (collation)', '{}', 'varchar_ COLLATE "default" > ''b''', '[{"f": "varchar_", "op": ">", "l": ["b"]}]');
CALL make_test('char =', '{}', 'char_ IN (''a'', ''zebra  '')', '[{"f": "char_", "l": ["a   ", "zebra"]}]');
CALL make_test('char =', '{}', 'char_ = ''''', '[{"f": "char_", "l": [""]}]');
CALL make_test('name =', '{}', 'name_ IN (''a'', ''NULL'')', '[{"f": "name_", "l": ["a", "NULL"]}]');
CALL make_test('uuid =', '{}', 'uuid_ = ''00000000-0000-0000-0000-000000000003''', '[{"f": "uuid_", "l": ["{00000000000000000000000000000003}"]}]');
CALL make_test('uuid <', '{}', 'uuid_ < ''00000000-0000-0000-0000-000000000003''', '[{"f": "uuid_", "op": "<", "l": ["00000000-0000-0000-0000-000000000003"]}]');
CALL make_test('date =', '{}', 'date_ IN (make_date(2024, 2, 1), ''infinity'')', '[{"f": "date_", "l": ["01/02/2024", "infinity"]}]');
CALL make_test('date =', '{}', 'date_ = make_date(-44, 3, 15)', '[{"f": "date_", "l": ["15/03/0044 BC"]}]');
CALL make_test('date <', '{}', 'date_ < make_date(2024, 1, 2)', '[{"f": "date_", "op": "<", "l": ["02/01/2024"]}]');
CALL make_test('time >', '{}', 'time_ > make_time(10, 30, 0)', '[{"f": "time_", "op": ">", "l": ["10:30"]}]');
CALL make_test('timestamp =', '{}', 'timestamp_ = make_timestamp(2024, 3, 10, 8, 0, 0)', '[{"f": "timestamp_", "l": ["10/03/2024 08:00"]}]');
CALL make_test('timestamptz =', '{}', 'timestamptz_ IN (make_timestamptz(2024, 3, 10, 8, 0, 0, ''UTC''), make_timestamptz(2024, 3, 10, 9, 0, 0, ''UTC''))',
	'[{"f": "timestamptz_", "l": ["10/03/2024 17:00", "10/03/2024 09:00 UTC"]}]');
CALL make_test('timestamptz >', '{}', 'timestamptz_ > make_timestamptz(2024, 3, 10, 8, 0, 0, ''UTC'')', '[{"f": "timestamptz_", "op": ">", "l": ["10/03/2024 17:00"]}]');
CALL make_test('timestamptz <', '{}', 'timestamptz_ < now()', '[{"f": "timestamptz_", "op": "<", "l": ["now"]}]');
CALL make_test('interval =', '{}', 'interval_ = make_interval(days => 30)', '[{"f": "interval_", "l": ["30 0:0:0"]}]');
CALL make_test('interval =', '{}', 'interval_ = make_interval(days => -1, hours => -2)', '[{"f": "interval_", "l": ["-1 2:00:00"]}]');
CALL make_test('interval =', '{}', 'interval_ = make_interval(years => 2, months => 3)', '[{"f": "interval_", "l": ["2-3"]}]');
CALL make_test('interval =', '{}', 'interval_ IN (make_interval(days => -1, hours => 2), make_interval(days => 1, hours => -2))', '[{"f": "interval_", "l": ["-1 day +2 hours", "+1 -2:00:00"]}]');
CALL make_test('interval <', '{}', 'interval_ < make_interval(secs => 1.5)', '[{"f": "interval_", "op": "<", "l": ["00:00:01.5"]}]');
CALL make_test('enum =', '{}', 'enum_ IN (''low'', ''high'')', '[{"f": "enum_", "l": ["low", "high"]}]');
CALL make_test('enum >', '{}', 'enum_ > ''low''', '[{"f": "enum_", "op": ">", "l": ["low"]}]');
CALL make_test('inet =', '{}', 'inet_ IN (''10.0.0.1'', ''::1'')', '[{"f": "inet_", "l": ["10.0.0.1", "0:0::1"]}]');
CALL make_test('inet <', '{}', 'inet_ < ''10.0.0.1''', '[{"f": "inet_", "op": "<", "l": ["10.0.0.1"]}]');
CALL make_test('cidr =', '{}', 'cidr_ = ''10.0.0.0/8''', '[{"f": "cidr_", "l": ["10/8"]}]');
CALL make_test('bool =', '{}', 'bool_', '[{"f": "bool_", "l": ["yes"]}]');
CALL make_test('bool <', '{}', 'NOT bool_', '[{"f": "bool_", "op": "<", "l": ["1"]}]');
CALL make_test('bytea =', '{}', 'bytea_ IN (''\x00'', ''\x5c'', ''\xff'', '''')', '[{"f": "bytea_", "l": ["\\000", "\\\\", "\\xff", ""]}]');
CALL make_test('bytea >', '{}', 'bytea_ > ''\x61''', '[{"f": "bytea_", "op": ">", "l": ["a"]}]');
CALL make_test('domain =', '{}', 'domain_ IN (3, -3)', '[{"f": "domain_", "l": ["3", "-3"]}]');
CALL make_test('domain <', '{}', 'domain_ < 3', '[{"f": "domain_", "op": "<", "l": ["3"]}]');
CALL make_test('ci domain = (collation)', '{}', 'code_ IN (''ZEBRA'', ''null'')', '[{"f": "code_", "l": ["ZEBRA", "null"]}]');
CALL make_test('int[] =', '{}', 'ints_ IN (''{1,2}'', ''{}'', ARRAY[NULL::integer], ''{{1,2},{3,4}}'')', '[{"f": "ints_", "l": ["{1,2}", "{}", "{NULL}", "{{1,2},{3,4}}"]}]');
CALL make_test('int[] <', '{}', 'ints_ < ''{1,2}''', '[{"f": "ints_", "op": "<", "l": ["{1, 2}"]}]');
CALL make_test('text[] =', '{}', 'texts_ IN (''{"a,b"}'', ''{"NULL"}'', ''{"\""}'')', '[{"f": "texts_", "l": ["{\"a,b\"}", "{\"NULL\"}", "{\"\\\"\"}"]}]');
CALL make_test('text[] null', '{}', 'texts_ = ARRAY[NULL::text]', '[{"f": "texts_", "l": ["{NULL}"]}]');
CALL make_test('int4range =', '{}', 'range_ IN (int4range(1, 3), ''empty'', int4range(NULL, NULL))', '[{"f": "range_", "l": ["[1,2]", "empty", "(,)"]}]');
CALL make_test('int4range >', '{}', 'range_ > int4range(1, 3)', '[{"f": "range_", "op": ">", "l": ["[1,2]"]}]');
CALL make_test('jsonb =', '{}', 'jsonb_ IN (''{"a": 1}'', ''null'')', '[{"f": "jsonb_", "l": ["{\"a\": 1.00}", "null"]}]');
CALL make_test('row type =', '{}', 'pair_ = ROW(1, ''a'')::regress_spsa_row_scope.pair', '[{"f": "pair_", "l": ["(1,a)", "(3,a)"]}]');
CALL make_test('row type <', '{}', 'pair_ < ROW(2, ''a'')::regress_spsa_row_scope.pair', '[{"f": "pair_", "op": "<", "l": ["(2,a)"]}]');
CALL make_test('money >', '{}', 'money_ > 2469.12::numeric::money', '[{"f": "money_", "op": ">", "l": ["2469.12"]}]');
CALL make_test('oid =', '{}', 'oid_ = 4', '[{"f": "oid_", "l": ["4"]}]');

--
-- Every type, by session attribute: a string, a number, an array
--
CALL make_test('int @', '{"x": 3}', 'int_ = 3', '[{"f": "int_", "a": "x"}]');
CALL make_test('int @', '{"x": "3"}', 'int_ = 3', '[{"f": "int_", "a": "x"}]');
CALL make_test('int @', '{"x": [3, "5", null, 77]}', 'int_ IN (3, 5)', '[{"f": "int_", "a": "x"}]');
CALL make_test('int @', '{"x": 3e0}', 'int_ = 3', '[{"f": "int_", "a": "x"}]');
CALL make_test('int @ missing', '{"y": 3}', 'false', '[{"f": "int_", "a": "x"}]');
CALL make_test('int @ null', '{"x": null}', 'false', '[{"f": "int_", "a": "x"}]');
CALL make_test('int @ nulls', '{"x": [null, null]}', 'false', '[{"f": "int_", "a": "x"}]');
CALL make_test('int @ none', '{"x": []}', 'false', '[{"f": "int_", "a": "x"}]');
CALL make_test('int @ <', '{"x": 3}', 'int_ < 3', '[{"f": "int_", "op": "<", "a": "x"}]');
CALL make_test('int @ >=', '{"x": [7, 5]}', 'int_ >= 5', '[{"f": "int_", "op": ">=", "a": "x"}]');
CALL make_test('int @ < null', '{"x": null}', 'false', '[{"f": "int_", "op": "<", "a": "x"}]');
CALL make_test('bigint @', '{"x": 30000000000}', 'bigint_ = 30000000000', '[{"f": "bigint_", "a": "x"}]');
CALL make_test('numeric @', '{"x": [2.000, "NaN", 1e40]}', 'numeric_ IN (2, ''NaN'', 1e40)', '[{"f": "numeric_", "a": "x"}]');
CALL make_test('real @', '{"x": [0.1, "Infinity"]}', 'real_ IN (0.1::real, ''Infinity'')', '[{"f": "real_", "a": "x"}]');
CALL make_test('float8 @', '{"x": [0.1, "NaN"]}', 'float_ IN (0.1, ''NaN'')', '[{"f": "float_", "a": "x"}]');
CALL make_test('text @', '{"x": ["ä", "O''Neil, \"x\"", ""]}', 'text_ IN (''ä'', ''O''''Neil, "x"'', '''')', '[{"f": "text_", "a": "x"}]');
CALL make_test('text @ number', '{"x": 5}', 'text_ = ''5''', '[{"f": "text_", "a": "x"}]');
CALL make_test('C @ <', '{"x": "a"}', 'c_ < ''a''', '[{"f": "c_", "op": "<", "a": "x"}]');
CALL make_test('ci @ (collation)', '{"x": ["B", "ZEBRA"]}', 'ci_ IN (''B'', ''ZEBRA'')', '[{"f": "ci_", "a": "x"}]');
CALL make_test('varchar @', '{"x": "zebra"}', 'varchar_ = ''zebra''', '[{"f": "varchar_", "a": "x"}]');
CALL make_test('char @', '{"x": "zebra "}', 'char_ = ''zebra''', '[{"f": "char_", "a": "x"}]');
CALL make_test('name @', '{"x": "A"}', 'name_ = ''A''', '[{"f": "name_", "a": "x"}]');
CALL make_test('uuid @', '{"x": "00000000-0000-0000-0000-000000000003"}', 'uuid_ = ''00000000-0000-0000-0000-000000000003''', '[{"f": "uuid_", "a": "x"}]');
CALL make_test('date @', '{"x": ["2024-01-02", "-infinity"]}', 'date_ IN (make_date(2024, 1, 2), ''-infinity'')', '[{"f": "date_", "a": "x"}]');
CALL make_test('timestamp @', '{"x": "2024-03-10T08:00:00"}', 'timestamp_ = make_timestamp(2024, 3, 10, 8, 0, 0)', '[{"f": "timestamp_", "a": "x"}]');
CALL make_test('timestamptz @', '{"x": ["2024-03-10 08:00", "2024-03-10T10:00:00+01:00"]}',
	'timestamptz_ IN (make_timestamptz(2024, 3, 10, 8, 0, 0, ''UTC''), make_timestamptz(2024, 3, 10, 9, 0, 0, ''UTC''))', '[{"f": "timestamptz_", "a": "x"}]');
CALL make_test('timestamptz @ abbreviation', '{"x": "2024-03-10 03:00 EST"}', 'timestamptz_ = make_timestamptz(2024, 3, 10, 8, 0, 0, ''UTC'')', '[{"f": "timestamptz_", "a": "x"}]');
CALL make_test('interval @', '{"x": ["-1 2:00:00", "P2Y3M"]}', 'interval_ IN (make_interval(days => -1, hours => 2), make_interval(years => 2, months => 3))', '[{"f": "interval_", "a": "x"}]');
CALL make_test('enum @', '{"x": "high"}', 'enum_ = ''high''', '[{"f": "enum_", "a": "x"}]');
CALL make_test('enum @ <', '{"x": "high"}', 'enum_ < ''high''', '[{"f": "enum_", "op": "<", "a": "x"}]');
CALL make_test('inet @', '{"x": ["10.0.0.1", "192.168.0.1"]}', 'inet_ IN (''10.0.0.1'', ''192.168.0.1'')', '[{"f": "inet_", "a": "x"}]');
CALL make_test('bool @', '{"x": true}', 'bool_', '[{"f": "bool_", "a": "x"}]');
CALL make_test('bool @', '{"x": "off"}', 'NOT bool_', '[{"f": "bool_", "a": "x"}]');
CALL make_test('bytea @', '{"x": "\\x6162"}', 'bytea_ = ''\x6162''', '[{"f": "bytea_", "a": "x"}]');
CALL make_test('domain @', '{"x": 3}', 'domain_ = 3', '[{"f": "domain_", "a": "x"}]');
CALL make_test('int[] @', '{"x": ["{1,2}", "{9}"]}', 'ints_ IN (''{1,2}'', ''{9}'')', '[{"f": "ints_", "a": "x"}]');
CALL make_test('text[] @ null', '{"x": "{NULL}"}', 'texts_ = ARRAY[NULL::text]', '[{"f": "texts_", "a": "x"}]');
CALL make_test('int4range @', '{"x": "[1,3)"}', 'range_ = int4range(1, 3)', '[{"f": "range_", "a": "x"}]');

--
-- How scopes and sets add up
--
CALL make_test('values of two scopes add', '{}', 'int_ IN (1, 2, 4)', '[{"f": "int_", "l": ["1", "2"]}, {"f": "int_", "l": ["2", "4"]}]');
CALL make_test('literal and attribute add', '{"x": 4}', 'int_ IN (1, 4)', '[{"f": "int_", "l": ["1"]}, {"f": "int_", "a": "x"}]');
CALL make_test('literal and missing attribute', '{}', 'int_ = 1', '[{"f": "int_", "l": ["1"]}, {"f": "int_", "a": "x"}]');
CALL make_test('two attributes add', '{"x": 4, "y": 5}', 'int_ IN (4, 5)', '[{"f": "int_", "a": "y"}, {"f": "int_", "a": "x"}]');
CALL make_test('operators join', '{}', 'int_ >= 3 AND int_ <= 5', '[{"f": "int_", "op": ">=", "l": ["3"]}, {"f": "int_", "op": "<=", "l": ["5"]}]');
CALL make_test('operators join: = and <', '{}', 'int_ IN (3, 6) AND int_ < 5', '[{"f": "int_", "l": ["3", "6"]}, {"f": "int_", "op": "<", "l": ["5"]}]');
CALL make_test('null joins =', '{}', 'int_ = 3 AND int_ IS NULL', '[{"f": "int_", "l": ["3"]}, {"f": "int_", "op": "is null"}]');
CALL make_test('fields join', '{}', 'int_ < 7 AND bool_', '[{"f": "int_", "op": "<", "l": ["7"]}, {"f": "bool_", "l": ["t"]}]');
CALL make_test('fields join: one of no value', '{}', 'false', '[{"f": "int_", "op": "<", "l": ["7"]}, {"f": "bool_", "a": "x"}]');
CALL make_test('sets add', '{}', 'int_ = 1 OR (bool_ AND int_ > 5)', '[{"f": "int_", "l": ["1"]}]', '[{"f": "bool_", "l": ["t"]}, {"f": "int_", "op": ">", "l": ["5"]}]');
CALL make_test('sets add: one without value', '{}', 'int_ = 1', '[{"f": "int_", "l": ["1"]}]', '[{"f": "bool_", "a": "x"}]');
CALL make_test('null or value by two sets', '{}', 'int_ = 1 OR int_ IS NULL', '[{"f": "int_", "l": ["1"]}]', '[{"f": "int_", "op": "is null"}]');
CALL make_test('row_scoped without scopes', '{}', 'false', '[]');
CALL make_test('row_scoped without, and a scope', '{}', 'int_ = 1', '[]', '[{"f": "int_", "l": ["1"]}]');
CALL make_test('not scoped', '{}', 'true', 'null');
CALL make_test('not scoped, and a scope', '{}', 'true', '[{"f": "int_", "l": ["1"]}]', 'null');
CALL make_test('a field not passed', '{}', 'false', '[{"f": "id", "l": ["1"]}]');
CALL make_test('a field not passed joins', '{}', 'false', '[{"f": "id", "l": ["1"]}, {"f": "int_", "l": ["1"]}]');
CALL make_test('a field not passed, null', '{}', 'false', '[{"f": "id", "op": "is null"}]');
CALL make_test('a field not passed, another set', '{}', 'int_ = 2', '[{"f": "id", "l": ["1"]}]', '[{"f": "int_", "l": ["2"]}]');
CALL make_test('for read', '{}', 'int_ = 2', '[{"f": "int_", "l": ["2"], "p": ["read"]}]');
CALL make_test('for others only', '{}', 'false', '[{"f": "int_", "l": ["2"], "p": ["edit", "create", "delete"]}]');
CALL make_test('for others joins nothing', '{}', 'int_ < 5', '[{"f": "bool_", "l": ["t"], "p": ["edit"]}, {"f": "int_", "op": "<", "l": ["5"], "p": ["read"]}]');
CALL make_test('no set', '{}', 'false', VARIADIC '{}');
CALL make_test('sets of two fields each add', '{}', '(NOT bool_ AND int_ IN (3, 4)) OR (bool_ AND int_ = 2)', '[{"f": "bool_", "l": ["f"]}, {"f": "int_", "l": ["3", "4"]}]',
	'[{"f": "bool_", "l": ["t"]}, {"f": "int_", "l": ["2"]}]');
CALL make_test('one field, and the same of two', '{}', 'int_ = 1 OR (int_ = 2 AND text_ = ''A'')', '[{"f": "int_", "l": ["1"]}]',
	'[{"f": "int_", "l": ["2", "3"]}, {"f": "text_", "l": ["A"]}]');

RESET DateStyle;
RESET TimeZone;
RESET IntervalStyle;
RESET extra_float_digits;
RESET bytea_output;
SELECT field, literals FROM spsa.row_scope WHERE field IN ('date_', 'timestamp_', 'timestamptz_', 'interval_', 'bytea_', 'float_', 'cidr_', 'jsonb_', 'uuid_')
	AND literals IS NOT NULL AND NOT (field = 'timestamptz_' AND operator = '<') ORDER BY scope_id;
SELECT every(literals[1] ~ '^2[0-9]{3}-') AS now_is_fixed FROM spsa.row_scope WHERE field = 'timestamptz_' AND operator = '<';

\set HIDE_TABLEAM on
SET SESSION AUTHORIZATION regress_spsa_row_scope_clerk;
SELECT * FROM result ORDER BY n;

-- A volatile field is asked for once, however many alternatives there are
CREATE TEMP SEQUENCE asked;
CREATE FUNCTION pg_temp.ask() RETURNS integer LANGUAGE plpgsql VOLATILE AS 'BEGIN PERFORM nextval(''asked''); RETURN 5; END';
SELECT spsa_attach_connection(token) IS NOT NULL AS attached FROM test WHERE what = 'null or value by two sets';
SELECT count(*) FROM plain WHERE id = 3 AND spsa_allows_row('typed', 'read', 'int_', pg_temp.ask());
SELECT last_value FROM asked;
SELECT spsa_detach();
DROP FUNCTION pg_temp.ask();
DROP SEQUENCE asked;

--
-- Settings of the user change nothing
--
\set differ 'SELECT count(*) FILTER (WHERE compare LIKE \'same%\') AS same FROM regress_spsa_row_scope.result; SELECT n, what, compare AS different FROM regress_spsa_row_scope.result WHERE compare NOT LIKE \'same%\' ORDER BY n;'
:differ
SET DateStyle = 'Postgres, MDY';
:differ
SET DateStyle = 'German';
SET TimeZone = 'America/New_York';
:differ
SET IntervalStyle = 'sql_standard';
:differ
SET IntervalStyle = 'iso_8601';
SET TimeZone = 'Asia/Kolkata';
SET DateStyle = 'SQL, DMY';
:differ
SET extra_float_digits = -15;
SET bytea_output = 'escape';
SET lc_monetary = 'C';
SET transform_null_equals = on;
:differ
SET search_path = '';
:differ
SET array_nulls = off;
:differ
SET timezone_abbreviations = 'Australia';
:differ
-- and are what they were
SHOW DateStyle;
SHOW TimeZone;
SHOW IntervalStyle;
SHOW search_path;
SHOW extra_float_digits;
RESET ALL;
SET search_path = regress_spsa_row_scope, public;
SET client_min_messages = warning;
RESET SESSION AUTHORIZATION;

--
-- An attribute that is no value of the field's type: 22023, which names the attribute and never the value
--
CALL make_test('object', '{"x": {"secret": 1}}', '', '[{"f": "int_", "a": "x"}]');
CALL make_test('word', '{"x": "secret"}', '', '[{"f": "int_", "a": "x"}]');
CALL make_test('word among numbers', '{"x": [1, "secret"]}', '', '[{"f": "int_", "a": "x"}]');
CALL make_test('nested array', '{"x": [1, ["secret"]]}', '', '[{"f": "int_", "a": "x"}]');
CALL make_test('too big', '{"x": 99999999999}', '', '[{"f": "int_", "a": "x"}]');
CALL make_test('fraction', '{"x": 1.5}', '', '[{"f": "int_", "a": "x"}]');
CALL make_test('boolean', '{"x": true}', '', '[{"f": "int_", "a": "x"}]');
CALL make_test('uuid', '{"x": "secret"}', '', '[{"f": "uuid_", "a": "x"}]');
CALL make_test('date', '{"x": "13/12/2024"}', '', '[{"f": "date_", "a": "x"}]');
CALL make_test('date', '{"x": "secret"}', '', '[{"f": "date_", "a": "x"}]');
CALL make_test('timestamptz', '{"x": "2024-03-10 08:00 Secret/Zone"}', '', '[{"f": "timestamptz_", "a": "x"}]');
CALL make_test('interval', '{"x": "secret"}', '', '[{"f": "interval_", "a": "x"}]');
CALL make_test('enum', '{"x": "secret"}', '', '[{"f": "enum_", "a": "x"}]');
CALL make_test('inet', '{"x": "secret"}', '', '[{"f": "inet_", "a": "x"}]');
CALL make_test('bytea', '{"x": "\\xsecret"}', '', '[{"f": "bytea_", "a": "x"}]');
CALL make_test('int[]', '{"x": "{secret}"}', '', '[{"f": "ints_", "a": "x"}]');
CALL make_test('int[] from a number', '{"x": 1}', '', '[{"f": "ints_", "a": "x"}]');
CALL make_test('row type', '{"x": "(secret)"}', '', '[{"f": "pair_", "a": "x"}]');
CALL make_test('another set grants all', '{"x": "secret"}', '', '[{"f": "int_", "a": "x"}]', 'null');
CREATE FUNCTION fails(token text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
	hint text;
	context text;
	seen bigint;
BEGIN
	PERFORM spsa_attach(token);
	SELECT count(*) INTO seen FROM typed;
	RETURN seen;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT, context = PG_EXCEPTION_CONTEXT;
	RETURN SQLSTATE || ' ' || SQLERRM || CASE WHEN detail || hint || context ~ '(secret|99999999999|1\.5|13/12)' THEN ' SHOWS THE VALUE' ELSE '' END;
END
$$;
SET SESSION AUTHORIZATION regress_spsa_row_scope_clerk;
SELECT what, fails(token) FROM test WHERE wanted = '' ORDER BY n;
SELECT token AS tok FROM test WHERE what = 'word' \gset
BEGIN;
SELECT spsa_attach(:'tok') IS NOT NULL AS attached;
SELECT id FROM typed;
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
RESET SESSION AUTHORIZATION;

--
-- Scopes for privileges: read the region, edit my own, create and delete none
--
CREATE TABLE deal (id integer, region text, owner_id integer, open boolean);
INSERT INTO deal VALUES (1, 'EU', 7, true), (2, 'EU', 8, true), (3, 'US', 7, true), (4, 'US', 8, true), (5, NULL, 7, false);
GRANT SELECT, INSERT, UPDATE, DELETE ON deal TO regress_spsa_row_scope_clerk;
SELECT spsa_protect('deal', '{region,owner_id}');
SELECT spsa_create_permission_set('sales') IS NOT NULL AS made, spsa_create_user('ann', '{"emp_no": 7}') IS NOT NULL AS made;
SELECT spsa_grant_object('sales', 'deal', '{read,edit,create,delete}');
SELECT spsa_grant_rows('sales', 'deal', 'region', '{EU}', privileges => '{read}');
SELECT spsa_grant_rows('sales', 'deal', 'owner_id', attribute => 'emp_no', privileges => '{edit}');
SELECT spsa_assign('ann', 'sales');
SELECT token AS tok FROM spsa_open_session('ann', db_role => 'regress_spsa_row_scope_clerk') \gset
SET SESSION AUTHORIZATION regress_spsa_row_scope_clerk;
SELECT spsa_attach_connection(:'tok') IS NOT NULL AS attached;
SELECT * FROM deal ORDER BY id;
-- Only what is read can be found.
WITH w AS (UPDATE deal SET open = false RETURNING id) SELECT array_agg(id ORDER BY id) AS written FROM w;
WITH w AS (UPDATE deal SET region = 'EU' RETURNING id) SELECT array_agg(id ORDER BY id) AS written FROM w;
UPDATE deal SET owner_id = 8;
INSERT INTO deal VALUES (9, 'EU', 7, true);
DELETE FROM deal;
-- The questions that policies ask, asked by hand
SELECT id, spsa_allows_row('deal', 'read', 'region', region, 'owner_id', owner_id) AS read,
	spsa_allows_row('deal', 'edit', 'region', region, 'owner_id', owner_id) AS edit,
	spsa_allows_row('deal', 'create', 'region', region, 'owner_id', owner_id) AS create,
	spsa_allows_row('deal', 'delete', 'region', region, 'owner_id', owner_id) AS delete
FROM (VALUES (1, 'EU', 7), (2, 'EU', 8), (3, 'US', 7), (4, 'US', 8), (5, NULL, 7), (6, 'EU', NULL)) v (id, region, owner_id);
SELECT spsa_allows('deal', 'read') AS read, spsa_allows('deal', 'edit') AS edit;
RESET SESSION AUTHORIZATION;
-- A scope for all privileges joins those for one.
SELECT spsa_grant_rows('sales', 'deal', 'owner_id', '{7}');
SET SESSION AUTHORIZATION regress_spsa_row_scope_clerk;
SELECT id FROM deal ORDER BY id;
INSERT INTO deal VALUES (9, 'US', 7, true);
INSERT INTO deal VALUES (9, 'US', 8, true);
WITH w AS (DELETE FROM deal RETURNING id) SELECT array_agg(id ORDER BY id) AS written FROM w;
RESET SESSION AUTHORIZATION;
SELECT id, region FROM deal ORDER BY id;
DELETE FROM spsa.row_scope WHERE literals = '{7}';

-- view_all: reads all; edits, deletes and creates what the scopes say
SELECT spsa_grant_object('sales', 'deal', '{view_all}');
SET SESSION AUTHORIZATION regress_spsa_row_scope_clerk;
SELECT id FROM deal ORDER BY id;
SELECT spsa_allows('deal', 'read') AS read, spsa_allows('deal', 'view_all') AS view_all, spsa_allows('deal', 'edit') AS edit, spsa_allows('deal', 'modify_all') AS modify_all;
WITH w AS (UPDATE deal SET open = true RETURNING id) SELECT array_agg(id ORDER BY id) AS written FROM w;
UPDATE deal SET owner_id = 8;
DELETE FROM deal;
INSERT INTO deal VALUES (10, 'EU', 7);
RESET SESSION AUTHORIZATION;
-- modify_all: edits and deletes all; creates what the scopes say
SELECT spsa_grant_object('sales', 'deal', '{modify_all}');
SET SESSION AUTHORIZATION regress_spsa_row_scope_clerk;
SELECT spsa_allows('deal', 'view_all') AS view_all, spsa_allows('deal', 'edit') AS edit, spsa_allows('deal', 'delete') AS delete,
	spsa_allows('deal', 'modify_all') AS modify_all, spsa_allows('deal', 'create') AS create;
WITH w AS (UPDATE deal SET open = true RETURNING id) SELECT array_agg(id ORDER BY id) AS written FROM w;
INSERT INTO deal VALUES (10, 'EU', 7);
BEGIN;
WITH w AS (DELETE FROM deal RETURNING id) SELECT array_agg(id ORDER BY id) AS written FROM w;
ROLLBACK;
RESET SESSION AUTHORIZATION;
-- A set that is view_all and one that is scoped, of which only the second edits
DELETE FROM spsa.object_permission WHERE object = 'deal'::regclass;
SELECT spsa_create_permission_set('viewer') IS NOT NULL AS made;
SELECT spsa_grant_object('viewer', 'deal', '{read,view_all}', row_scoped => true);
SELECT spsa_grant_object('sales', 'deal', '{read,edit}');
SELECT spsa_grant_rows('sales', 'deal', 'region', '{EU}');
SELECT spsa_assign('ann', 'viewer');
SET SESSION AUTHORIZATION regress_spsa_row_scope_clerk;
SELECT id FROM deal ORDER BY id;
WITH w AS (UPDATE deal SET open = true RETURNING id) SELECT array_agg(id ORDER BY id) AS written FROM w;
RESET SESSION AUTHORIZATION;
-- A deleted scope does not widen, a changed one is what it is now.
SELECT spsa_revoke_assignment('ann', 'viewer');
SET SESSION AUTHORIZATION regress_spsa_row_scope_clerk;
SELECT id FROM deal ORDER BY id;
RESET SESSION AUTHORIZATION;
UPDATE spsa.row_scope SET literals = '{US}' WHERE object = 'deal'::regclass;
SET SESSION AUTHORIZATION regress_spsa_row_scope_clerk;
SELECT id FROM deal ORDER BY id;
RESET SESSION AUTHORIZATION;
-- What a later version may have written, and this one does not understand, narrows.
BEGIN;
ALTER TABLE spsa.row_scope DROP CONSTRAINT row_scope_operator_check;
SET LOCAL session_replication_role = replica;
INSERT INTO spsa.row_scope (set_id, object, field, field_type, operator, literals)
SELECT set_id, object, field, field_type, '<>', '{AP}' FROM spsa.row_scope WHERE object = 'deal'::regclass;
SET LOCAL session_replication_role = origin;
SET LOCAL SESSION AUTHORIZATION regress_spsa_row_scope_clerk;
SELECT id FROM deal ORDER BY id;
ROLLBACK;
BEGIN;
ALTER TABLE spsa.permission_set DROP CONSTRAINT permission_set_kind_check;
SET LOCAL session_replication_role = replica;
UPDATE spsa.permission_set SET kind = 'bag' WHERE set_name = 'sales';
SET LOCAL session_replication_role = origin;
SET LOCAL SESSION AUTHORIZATION regress_spsa_row_scope_clerk;
SELECT id FROM deal ORDER BY id;
ROLLBACK;
SET SESSION AUTHORIZATION regress_spsa_row_scope_clerk;
SELECT id FROM deal ORDER BY id;
RESET SESSION AUTHORIZATION;
DELETE FROM spsa.row_scope WHERE object = 'deal'::regclass;
SET SESSION AUTHORIZATION regress_spsa_row_scope_clerk;
SELECT id FROM deal ORDER BY id;
RESET SESSION AUTHORIZATION;

--
-- Policies, views and code written by hand
--
SELECT spsa_grant_rows('sales', 'deal', 'region', '{EU}');
CREATE TABLE note (id integer, deal_region text, is_public boolean);
INSERT INTO note VALUES (1, 'EU', false), (2, 'US', false), (3, 'US', true), (4, NULL, false);
GRANT SELECT, INSERT ON note TO regress_spsa_row_scope_clerk;
ALTER TABLE note ENABLE ROW LEVEL SECURITY;
CREATE POLICY see ON note FOR SELECT USING (is_public OR spsa_allows_row('deal', 'read', 'region', deal_region));
CREATE POLICY add ON note FOR INSERT WITH CHECK (spsa_allows_row('deal', 'edit', 'region', deal_region) AND NOT is_public);
CREATE VIEW deal_of_session WITH (security_barrier) AS
	SELECT id, region FROM deal WHERE spsa_allows_row('deal', 'edit', 'region', region) WITH CHECK OPTION;
GRANT SELECT, INSERT ON deal_of_session TO regress_spsa_row_scope_clerk;
CREATE TABLE guarded (region text, CONSTRAINT guarded_region CHECK (spsa_allows_row('deal', 'read', 'region', region)),
	made_by text DEFAULT CASE WHEN spsa_allows('deal', 'view_all') THEN 'viewer' ELSE 'other' END);
GRANT SELECT, INSERT ON guarded TO regress_spsa_row_scope_clerk;
SET SESSION AUTHORIZATION regress_spsa_row_scope_clerk;
SELECT id FROM note ORDER BY id;
INSERT INTO note VALUES (5, 'EU', false);
INSERT INTO note VALUES (5, 'EU', true);
INSERT INTO note VALUES (5, 'US', false);
SELECT id FROM deal_of_session ORDER BY id;
INSERT INTO deal_of_session VALUES (20, 'EU');
INSERT INTO deal_of_session VALUES (20, 'US');
INSERT INTO guarded VALUES ('EU');
INSERT INTO guarded VALUES ('US');
SELECT * FROM guarded;
SELECT id FROM plain WHERE id < 4 AND spsa_allows_row('deal', 'read', 'region', CASE id WHEN 2 THEN 'EU' ELSE 'US' END) ORDER BY id;
SELECT id FROM plain WHERE id < 4 AND NOT spsa_allows_row('deal', 'read', 'region', CASE id WHEN 2 THEN 'EU' ELSE 'US' END) ORDER BY id;
SELECT region, count(*) FROM deal GROUP BY region HAVING spsa_allows_row('deal', 'read', 'region', region);
DO $$
DECLARE
	region text;
BEGIN
	FOREACH region IN ARRAY ARRAY['EU', 'US', NULL] LOOP
		IF spsa_allows_row('deal', 'edit', 'region', region) THEN
			RAISE WARNING 'may edit %', region;
		ELSE
			RAISE WARNING 'may not edit %', region;
		END IF;
	END LOOP;
	IF spsa_allows('deal', 'read') THEN
		RAISE WARNING 'may read all';
	END IF;
END
$$;
-- null, and constants
SELECT spsa_allows(NULL, 'read') AS object, spsa_allows('deal', NULL) AS privilege, spsa_allows_row(NULL, 'read', 'region', 'EU'::text) AS object,
	spsa_allows_row('deal', NULL, 'region', 'EU'::text) AS privilege, spsa_allows_row('deal', 'read', 'region', NULL::text) AS field;
SELECT spsa_allows_row('deal', 'read', 'region', 'EU'::text) AS text, spsa_allows_row('deal', 'read', 'region', 'EU'::varchar) AS varchar,
	spsa_allows_row('deal', 'read', 'region', 'EU') AS "unknown", spsa_allows_row('deal', 'read', 'owner_id', 7) AS other;
SELECT spsa_detach();
-- Without a session: false, everywhere
SELECT id FROM note ORDER BY id;
SELECT id FROM deal_of_session ORDER BY id;
INSERT INTO guarded VALUES ('EU');
SELECT count(*) FROM plain WHERE spsa_allows_row('deal', 'read', 'region', 'EU'::text);
RESET SESSION AUTHORIZATION;

DROP EXTENSION spsa CASCADE;
DROP SCHEMA regress_spsa_row_scope CASCADE;
DROP ROLE regress_spsa_row_scope_clerk;
