-- rule.sql - activation rules: what an activation must meet.
--
-- The backends read this table by column position (src/base/table.h): add columns at the end only.

CREATE TABLE spsa.activation_rule (
	set_id integer NOT NULL,
	self_activation boolean NOT NULL DEFAULT true,
	default_duration interval,
	max_duration interval,
	min_security_level spsa.security_level,
	max_authentication_age interval,
	networks cidr[],
	weekdays integer[],
	start_time time,
	end_time time,
	time_zone text NOT NULL DEFAULT 'UTC',
	reason_required boolean NOT NULL DEFAULT false,
	approvals_required integer NOT NULL DEFAULT 0,
	approver_set integer,
	break_glass boolean NOT NULL DEFAULT false,
	CONSTRAINT activation_rule_pkey PRIMARY KEY (set_id),
	CONSTRAINT activation_rule_set_id_fkey FOREIGN KEY (set_id) REFERENCES spsa.permission_set (set_id) ON DELETE CASCADE,
	CONSTRAINT activation_rule_approver_set_fkey FOREIGN KEY (approver_set)
		REFERENCES spsa.permission_set (set_id) ON DELETE SET NULL,
	CONSTRAINT activation_rule_default_duration_check CHECK (default_duration > '0'),
	CONSTRAINT activation_rule_max_duration_check CHECK (max_duration > '0' AND COALESCE(default_duration <= max_duration, true)),
	CONSTRAINT activation_rule_max_authentication_age_check CHECK (max_authentication_age > '0'),
	CONSTRAINT activation_rule_networks_check
		CHECK (pg_catalog.cardinality(networks) > 0 AND pg_catalog.array_ndims(networks) = 1 AND pg_catalog.array_position(networks, NULL) IS NULL),
	CONSTRAINT activation_rule_weekdays_check
		CHECK (pg_catalog.cardinality(weekdays) > 0 AND pg_catalog.array_ndims(weekdays) = 1 AND weekdays <@ ARRAY[1, 2, 3, 4, 5, 6, 7]),
	CONSTRAINT activation_rule_times_check
		CHECK ((start_time IS NULL) = (end_time IS NULL) AND COALESCE(start_time <> end_time AND start_time < '24:00', true)),
	CONSTRAINT activation_rule_approvals_required_check CHECK (approvals_required BETWEEN 0 AND 100),
	CONSTRAINT activation_rule_approver_set_check CHECK (approver_set <> set_id)
);
CREATE INDEX activation_rule_approver_set_idx ON spsa.activation_rule (approver_set);
COMMENT ON TABLE spsa.activation_rule IS 'what an activation of a permission set or group must meet; each condition that is null, false or 0 asks for nothing. Rules are read at each activation and say nothing about what is active already';
COMMENT ON COLUMN spsa.activation_rule.set_id IS 'permission set or group; a member of a group that requires activation of its own keeps its own rule';
COMMENT ON COLUMN spsa.activation_rule.self_activation IS 'false: sessions of the user cannot activate it, only flows and those who manage activations of others';
COMMENT ON COLUMN spsa.activation_rule.default_duration IS 'how long an activation lasts for which no duration is given; null: max_duration. A month counts as 30 days, a day as 24 hours';
COMMENT ON COLUMN spsa.activation_rule.max_duration IS 'how long an activation lasts at most, also when it is extended; null: until the session ends';
COMMENT ON COLUMN spsa.activation_rule.min_security_level IS 'security level that the session must have at least';
COMMENT ON COLUMN spsa.activation_rule.max_authentication_age IS 'the user must have authenticated no longer ago than this';
COMMENT ON COLUMN spsa.activation_rule.networks IS 'networks, one of which must contain the session''s source_ip; a session without source_ip does not meet it';
COMMENT ON COLUMN spsa.activation_rule.weekdays IS 'days of the week, as ISO 8601 numbers them: 1 is Monday, 7 Sunday; a time from start_time to end_time that passes midnight belongs to the day on which it begins';
COMMENT ON COLUMN spsa.activation_rule.start_time IS 'time of day, by the clocks of time_zone, at which activation becomes possible; null, with end_time: all day. A time that a change of the clocks skips is an hour later, of one that they repeat the second is meant';
COMMENT ON COLUMN spsa.activation_rule.end_time IS 'time of day at which it ends, and with it each activation; earlier than start_time: on the next day';
COMMENT ON COLUMN spsa.activation_rule.time_zone IS 'name of a time zone, as pg_timezone_names has them, for weekdays and times';
COMMENT ON COLUMN spsa.activation_rule.reason_required IS 'a reason must be given';
COMMENT ON COLUMN spsa.activation_rule.approvals_required IS 'how many others must approve a request first';
COMMENT ON COLUMN spsa.activation_rule.approver_set IS 'permission set or group whose holders may approve, while it is in effect in their session, besides those with the custom permission approve_activations';
COMMENT ON COLUMN spsa.activation_rule.break_glass IS 'true: it can be activated without approval in an emergency, which leaves a row to be reviewed';

SELECT pg_catalog.pg_extension_config_dump('spsa.activation_rule', '');

CREATE FUNCTION spsa.check_activation_rule() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'spsa_check_activation_rule';
COMMENT ON FUNCTION spsa.check_activation_rule() IS 'trigger: explains what is wrong with an activation rule (22023, 42809), and writes the name of the time zone as PostgreSQL does';
CREATE TRIGGER check_row BEFORE INSERT OR UPDATE ON spsa.activation_rule
	FOR EACH ROW EXECUTE FUNCTION spsa.check_activation_rule();
CREATE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON spsa.activation_rule
	FOR EACH ROW EXECUTE FUNCTION spsa.audit_change();
CREATE TRIGGER audit_truncate AFTER TRUNCATE ON spsa.activation_rule EXECUTE FUNCTION spsa.audit_change();

CREATE FUNCTION spsa.activation_hours(weekdays integer[], start_time time, end_time time, time_zone text, at timestamptz,
	OUT open boolean, OUT opens_at timestamptz, OUT closes_at timestamptz)
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'spsa_activation_hours';
COMMENT ON FUNCTION spsa.activation_hours(integer[], time, time, text, timestamptz) IS
'what the weekdays and times of an activation rule (columns of spsa.activation_rule) mean at a moment: whether activation is possible, and when the present or, if there is none, the next span of time begins and ends; null where there is no such end. Errors: 22023 unknown time zone.';

CREATE FUNCTION @extschema@.spsa_activation_readiness(session uuid, permission_set text)
	RETURNS TABLE (condition text, met boolean, detail text)
	LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 10 AS 'MODULE_PATHNAME', 'spsa_activation_readiness';
COMMENT ON FUNCTION @extschema@.spsa_activation_readiness(uuid, text) IS
'what an activation of a permission set for a session needs: a row for each condition, so that an application can show it before the user tries. condition: assignment, group (before a member of one that is not active), exclusion, hours (weekdays and times), or a column of spsa.activation_rule; activation_required if it needs no activation of its own, alone or with the group that is not active. met: null if it depends on what the call gives. detail: what is demanded, what is so now, and what would help. Who may ask: as spsa_activate().
Errors: 28000 the session is not valid; 42501 not permitted for this session, or the set is not assigned to its user; 42704 unknown set.';
