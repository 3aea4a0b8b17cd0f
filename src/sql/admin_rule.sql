-- admin_rule.sql - administration of activation rules; like admin.sql.

CREATE FUNCTION spsa.check_rule_columns(columns text[]) RETURNS text[]
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spsa_check_rule_columns';
COMMENT ON FUNCTION spsa.check_rule_columns(text[]) IS 'its argument; 22023 if that names anything that an activation rule does not have';

CREATE FUNCTION @extschema@.spsa_set_activation_rule(permission_set text, self_activation boolean DEFAULT NULL,
	default_duration interval DEFAULT NULL, max_duration interval DEFAULT NULL,
	min_security_level spsa.security_level DEFAULT NULL, max_authentication_age interval DEFAULT NULL,
	networks cidr[] DEFAULT NULL, weekdays integer[] DEFAULT NULL, start_time time DEFAULT NULL, end_time time DEFAULT NULL,
	time_zone text DEFAULT NULL, reason_required boolean DEFAULT NULL, approvals_required integer DEFAULT NULL,
	approver_set text DEFAULT NULL, break_glass boolean DEFAULT NULL, clear text[] DEFAULT NULL) RETURNS void
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	-- Of two who change a rule at once, the second keeps what the first one has written.
	SELECT FROM spsa.activation_rule r
	WHERE r.set_id = (SELECT spsa.find_set(spsa_set_activation_rule.permission_set)) FOR UPDATE;
	INSERT INTO spsa.activation_rule AS r (set_id, self_activation, default_duration, max_duration, min_security_level,
		max_authentication_age, networks, weekdays, start_time, end_time, time_zone, reason_required, approvals_required,
		approver_set, break_glass)
	SELECT i.set_id,
		COALESCE(spsa_set_activation_rule.self_activation, CASE WHEN 'self_activation' <> ALL (i.cleared) THEN o.self_activation END, true),
		COALESCE(spsa_set_activation_rule.default_duration, CASE WHEN 'default_duration' <> ALL (i.cleared) THEN o.default_duration END),
		COALESCE(spsa_set_activation_rule.max_duration, CASE WHEN 'max_duration' <> ALL (i.cleared) THEN o.max_duration END),
		COALESCE(spsa_set_activation_rule.min_security_level,
			CASE WHEN 'min_security_level' <> ALL (i.cleared) THEN o.min_security_level END),
		COALESCE(spsa_set_activation_rule.max_authentication_age,
			CASE WHEN 'max_authentication_age' <> ALL (i.cleared) THEN o.max_authentication_age END),
		COALESCE(spsa_set_activation_rule.networks, CASE WHEN 'networks' <> ALL (i.cleared) THEN o.networks END),
		COALESCE(spsa_set_activation_rule.weekdays, CASE WHEN 'weekdays' <> ALL (i.cleared) THEN o.weekdays END),
		COALESCE(spsa_set_activation_rule.start_time, CASE WHEN 'start_time' <> ALL (i.cleared) THEN o.start_time END),
		COALESCE(spsa_set_activation_rule.end_time, CASE WHEN 'end_time' <> ALL (i.cleared) THEN o.end_time END),
		COALESCE(spsa_set_activation_rule.time_zone, CASE WHEN 'time_zone' <> ALL (i.cleared) THEN o.time_zone END, 'UTC'),
		COALESCE(spsa_set_activation_rule.reason_required, CASE WHEN 'reason_required' <> ALL (i.cleared) THEN o.reason_required END, false),
		COALESCE(spsa_set_activation_rule.approvals_required,
			CASE WHEN 'approvals_required' <> ALL (i.cleared) THEN o.approvals_required END, 0),
		COALESCE(i.approver_set, CASE WHEN 'approver_set' <> ALL (i.cleared) THEN o.approver_set END),
		COALESCE(spsa_set_activation_rule.break_glass, CASE WHEN 'break_glass' <> ALL (i.cleared) THEN o.break_glass END, false)
	FROM (SELECT spsa.find_set(spsa_set_activation_rule.permission_set) AS set_id,
			CASE WHEN spsa_set_activation_rule.approver_set IS NOT NULL
				THEN spsa.find_set(spsa_set_activation_rule.approver_set) END AS approver_set,
			COALESCE(spsa.check_rule_columns(spsa_set_activation_rule.clear), '{}') AS cleared OFFSET 0) i
		LEFT JOIN spsa.activation_rule o ON o.set_id = i.set_id
	ON CONFLICT (set_id) DO UPDATE
	SET self_activation = excluded.self_activation, default_duration = excluded.default_duration,
		max_duration = excluded.max_duration, min_security_level = excluded.min_security_level,
		max_authentication_age = excluded.max_authentication_age, networks = excluded.networks, weekdays = excluded.weekdays,
		start_time = excluded.start_time, end_time = excluded.end_time, time_zone = excluded.time_zone,
		reason_required = excluded.reason_required, approvals_required = excluded.approvals_required,
		approver_set = excluded.approver_set, break_glass = excluded.break_glass
	WHERE (r.self_activation, r.default_duration, r.max_duration, r.min_security_level, r.max_authentication_age, r.networks,
			r.weekdays, r.start_time, r.end_time, r.time_zone, r.reason_required, r.approvals_required, r.approver_set, r.break_glass)
		IS DISTINCT FROM (excluded.self_activation, excluded.default_duration, excluded.max_duration, excluded.min_security_level,
			excluded.max_authentication_age, excluded.networks, excluded.weekdays, excluded.start_time, excluded.end_time,
			excluded.time_zone, excluded.reason_required, excluded.approvals_required, excluded.approver_set, excluded.break_glass);
END;
COMMENT ON FUNCTION @extschema@.spsa_set_activation_rule(text, boolean, interval, interval, spsa.security_level, interval, cidr[], integer[], time, time, text, boolean, integer, text, boolean, text[]) IS
'says what an activation of a permission set or group must meet, from the next activation on. The arguments are the columns of spsa.activation_rule: self_activation (false: flows and managers only), default_duration and max_duration (a month is 30 days, a day 24 hours), min_security_level, max_authentication_age, networks (one must contain the session''s source_ip), weekdays (ISO 8601: 1 is Monday, 7 Sunday), start_time and end_time (an end before the start: on the next day) by the clocks of time_zone, reason_required, approvals_required, approver_set (by name), break_glass. What is null stays as it is; clear names those that are to ask for nothing again, unless they are given.
Errors: 42704 unknown set; 42809 a muting set; 22023 a duration or age that is not more than zero, a default longer than the most, an empty list, a bad weekday, one of the two times alone or both equal, an unknown time zone, approvals_required not 0 to 100, approver_set the set itself, clear names something else.';

CREATE FUNCTION @extschema@.spsa_drop_activation_rule(permission_set text) RETURNS boolean
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	WITH i AS MATERIALIZED (SELECT spsa.find_set(permission_set) AS set_id),
	gone AS (DELETE FROM spsa.activation_rule r USING i WHERE r.set_id = i.set_id RETURNING 1)
	SELECT EXISTS (SELECT FROM gone) FROM i;
END;
COMMENT ON FUNCTION @extschema@.spsa_drop_activation_rule(text) IS
'drops the activation rule of a permission set or group: whoever it is assigned to can activate it; true if there was one. Errors: 42704 unknown set.';
