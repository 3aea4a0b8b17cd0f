-- forms.sql - the usual forms of a policy beside ours. A policy is the same for all users, so each form has to provide
-- for all four: who sees everything, one's own rows, rows by three fields, or nothing.
-- Variables: rows; seconds, for each form and user at most, if one execution does not take longer. The function in PL/pgSQL is measured on a tenth of the rows, and its time multiplied.
SET client_min_messages = warning;
\o /dev/null
CREATE TABLE member (user_name text PRIMARY KEY, everything boolean NOT NULL, owner_id integer, regions integer[], labels integer[], owner_from integer);
INSERT INTO member VALUES ('own', false, 77, NULL, NULL, NULL), ('everything', true, NULL, NULL, NULL, NULL), ('nothing', false, NULL, NULL, NULL, NULL),
	('fields', false, NULL, '{1,2,3,4,5,6,7,8}', '{1,2,3,4}', :rows / 174 / 5);
GRANT SELECT ON member TO bench_app;
DROP POLICY everybody ON other;
CREATE TABLE tenth AS SELECT * FROM other WHERE id <= :rows / 10;
CREATE INDEX ON tenth (owner_id);
CREATE INDEX ON tenth (region);
CREATE INDEX ON tenth (label);
VACUUM (ANALYZE) tenth;
ALTER TABLE tenth ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON tenth TO bench_app;
CREATE FUNCTION may_see(owner_id integer, region integer, label integer) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN current_setting('bench.everything')::boolean
		OR owner_id = current_setting('bench.owner')::integer
		OR region = ANY (current_setting('bench.regions')::integer[]) AND label = ANY (current_setting('bench.labels')::integer[])
			AND owner_id >= current_setting('bench.owner_from')::integer;
END
$$;
CREATE TABLE form (place serial, name text, subject text, factor integer, condition text);
INSERT INTO form (name, subject, factor, condition) VALUES
	('current_setting() per row', 'other', 1, $$current_setting('bench.everything')::boolean
		OR owner_id = current_setting('bench.owner')::integer
		OR region = ANY (current_setting('bench.regions')::integer[]) AND label = ANY (current_setting('bench.labels')::integer[])
			AND owner_id >= current_setting('bench.owner_from')::integer$$),
	('the same in (SELECT ...)', 'other', 1, $$(SELECT current_setting('bench.everything')::boolean)
		OR owner_id = (SELECT current_setting('bench.owner')::integer)
		OR region = ANY ((SELECT current_setting('bench.regions')::integer[])::integer[])
			AND label = ANY ((SELECT current_setting('bench.labels')::integer[])::integer[])
			AND owner_id >= (SELECT current_setting('bench.owner_from')::integer)$$),
	('EXISTS on a membership table', 'other', 1, $$EXISTS (SELECT FROM member m WHERE m.user_name = current_setting('bench.user')
		AND (m.everything OR m.owner_id = other.owner_id
			OR other.region = ANY (m.regions) AND other.label = ANY (m.labels) AND other.owner_id >= m.owner_from))$$),
	('a function in PL/pgSQL (a tenth of the rows, times 10)', 'tenth', 10, 'may_see(owner_id, region, label)'),
	('spsa', 'protected', 1, NULL);
CREATE TABLE form_sample (form text, who text, ratio double precision);
GRANT INSERT ON form_sample TO bench_app;

-- Executes it once, or as often as goes into the seconds, each time between ten executions of the hand-written one.
CREATE PROCEDURE measure_form(form text, who text, statement text, factor integer, wanted bigint, written text, seconds float) LANGUAGE plpgsql AS $$
DECLARE
	began timestamptz := clock_timestamp();
	started timestamptz;
	seen bigint;
	us double precision[];
	form_us double precision;
BEGIN
	FOR i IN 1 .. 200 LOOP
		us := '{}';
		FOR j IN 1 .. 11 LOOP
			started := clock_timestamp();
			EXECUTE CASE j WHEN 6 THEN statement ELSE written END INTO seen;
			us := us || extract(epoch FROM clock_timestamp() - started)::double precision * 1e6;
			IF j = 6 AND seen <> wanted THEN
				RAISE EXCEPTION '%: % sees % rows, not %', form, who, seen, wanted;
			END IF;
		END LOOP;
		form_us := us[6] * factor;
		INSERT INTO form_sample
		SELECT form, who, form_us / percentile_cont(0.5) WITHIN GROUP (ORDER BY u) FROM unnest(us[:5] || us[7:]) u;
		EXIT WHEN clock_timestamp() > began + seconds * interval '1 s';
	END LOOP;
END
$$;
CREATE PROCEDURE measure_forms(rows integer, seconds float) LANGUAGE plpgsql AS $$
DECLARE
	f form;
	m member;
	written text;
	wanted bigint;
	wanted_of_tenth bigint;
BEGIN
	FOR m IN SELECT * FROM member LOOP
		PERFORM set_config('bench.user', m.user_name, false), set_config('bench.everything', m.everything::text, false),
			set_config('bench.owner', coalesce(m.owner_id, -1)::text, false), set_config('bench.regions', coalesce(m.regions, '{}')::text, false),
			set_config('bench.labels', coalesce(m.labels, '{}')::text, false), set_config('bench.owner_from', coalesce(m.owner_from, 0)::text, false);
		written := 'SELECT count(*) FROM plain WHERE ' || CASE m.user_name WHEN 'own' THEN 'owner_id = 77' WHEN 'everything' THEN 'true'
			WHEN 'nothing' THEN 'false' ELSE format('region = ANY (%L) AND label = ANY (%L) AND owner_id >= %s', m.regions, m.labels, m.owner_from) END;
		EXECUTE written INTO wanted;
		EXECUTE written || ' AND id <= ' || rows / 10 INTO wanted_of_tenth;
		FOR f IN SELECT * FROM form ORDER BY place LOOP
			IF f.condition IS NOT NULL THEN
				EXECUTE format('CREATE POLICY form ON %I USING (%s)', f.subject, f.condition);
			END IF;
			SET LOCAL ROLE bench_app;
			PERFORM spsa_attach((SELECT t.token FROM token t WHERE t.kind = m.user_name AND t.n = 0));
			CALL measure_form(f.name, m.user_name, 'SELECT count(*) FROM ' || f.subject, f.factor,
				CASE f.factor WHEN 1 THEN wanted ELSE wanted_of_tenth END, written, seconds);
			RESET ROLE;
			IF f.condition IS NOT NULL THEN
				EXECUTE format('DROP POLICY form ON %I', f.subject);
			END IF;
		END LOOP;
	END LOOP;
END
$$;
CALL measure_forms(:rows, :seconds);
CREATE POLICY everybody ON other USING (true);
