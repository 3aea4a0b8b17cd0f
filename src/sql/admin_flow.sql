-- admin_flow.sql - administration of flows; like admin.sql.

CREATE FUNCTION spsa.find_flow(flow_name text) RETURNS integer
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_find_flow';
COMMENT ON FUNCTION spsa.find_flow(text) IS 'identifier of a flow; 42704 if there is none of that name';

CREATE FUNCTION @extschema@.spsa_create_flow(flow_name text, label text DEFAULT NULL, criterion regprocedure DEFAULT NULL,
	allowed_set text DEFAULT NULL, run_at_open boolean DEFAULT false, description text DEFAULT NULL) RETURNS integer
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	INSERT INTO spsa.flow (flow_name, label, criterion, allowed_set, run_at_open, description)
	VALUES (flow_name, label,
		(SELECT f.identity FROM pg_catalog.pg_identify_object('pg_catalog.pg_proc'::regclass, criterion, 0) f),
		CASE WHEN allowed_set IS NOT NULL THEN spsa.find_set(allowed_set) END, run_at_open, description)
	RETURNING flow_id;
END;
COMMENT ON FUNCTION @extschema@.spsa_create_flow(text, text, regprocedure, text, boolean, text) IS
'makes a flow, to which spsa_add_flow_step() adds steps; the identifier. flow_name: as names of permission sets. criterion: a function f(session uuid) returning boolean that must return true; it is called with the rights of who runs the flow or opens the session, and only who has the rights of the extension''s owner may choose one. allowed_set: sessions in which this set or group is in effect may run the flow without the custom permission run_flows. run_at_open: the flow is run whenever a session is opened (with allowed_set: in which that is in effect), if the criterion holds; should it fail, a WARNING says so.
Errors: 22023 bad name; 23505 the name is taken; 42704 unknown set; 42883 unknown function; 42809 a function that cannot be a criterion, a muting set; 42501 a criterion chosen by somebody else; 22004 null name; 23502 run_at_open null.';

CREATE FUNCTION @extschema@.spsa_drop_flow(flow_name text) RETURNS void
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	DELETE FROM spsa.flow_step s WHERE s.flow_id = (SELECT spsa.find_flow(spsa_drop_flow.flow_name));
	WITH i AS MATERIALIZED (SELECT spsa.find_flow(spsa_drop_flow.flow_name) AS flow_id),
	gone AS (DELETE FROM spsa.flow f USING i WHERE f.flow_id = i.flow_id RETURNING 1)
	SELECT FROM i;
END;
COMMENT ON FUNCTION @extschema@.spsa_drop_flow(text) IS
'drops a flow with its steps; what it has activated stays active. Errors: 42704 unknown flow.';

CREATE FUNCTION @extschema@.spsa_set_flow_active(flow_name text, is_active boolean) RETURNS void
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	WITH i AS MATERIALIZED (SELECT spsa.find_flow(spsa_set_flow_active.flow_name) AS flow_id),
	changed AS (
		UPDATE spsa.flow f SET is_active = spsa_set_flow_active.is_active
		FROM i
		WHERE f.flow_id = i.flow_id AND f.is_active IS DISTINCT FROM spsa_set_flow_active.is_active
		RETURNING 1
	)
	SELECT FROM i;
END;
COMMENT ON FUNCTION @extschema@.spsa_set_flow_active(text, boolean) IS
'switches a flow on or off; what it has activated stays active. One with a criterion is switched on by whoever may choose it, and the criterion is checked again.
Errors: 42704 unknown flow; 42501 a flow with a criterion, switched on by somebody else; 42883 the criterion is gone; 42809 it is no such function any more; 23502 null.';

CREATE FUNCTION @extschema@.spsa_add_flow_step(flow_name text, action text, permission_set text, "position" integer DEFAULT NULL)
	RETURNS integer
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	INSERT INTO spsa.flow_step (flow_id, "position", action, set_id)
	SELECT i.flow_id, COALESCE(spsa_add_flow_step."position",
			(SELECT pg_catalog.max(s."position") FROM spsa.flow_step s WHERE s.flow_id = i.flow_id) + 1, 1),
		spsa_add_flow_step.action, spsa.find_set(permission_set)
	FROM (SELECT spsa.find_flow(spsa_add_flow_step.flow_name) AS flow_id OFFSET 0) i
	RETURNING "position";
END;
COMMENT ON FUNCTION @extschema@.spsa_add_flow_step(text, text, text, integer) IS
'adds a step to a flow; its position. action: activate or deactivate. position: a free place in the order, from 1, gaps are allowed; null: after the last step.
Errors: 42704 unknown flow or set; 22023 unknown action, position less than 1; 23505 there is a step at the position; 42809 a muting set; 23502 null.';

CREATE FUNCTION @extschema@.spsa_remove_flow_step(flow_name text, "position" integer) RETURNS boolean
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	WITH i AS MATERIALIZED (SELECT spsa.find_flow(spsa_remove_flow_step.flow_name) AS flow_id),
	gone AS (
		DELETE FROM spsa.flow_step s USING i WHERE s.flow_id = i.flow_id AND s."position" = spsa_remove_flow_step."position"
		RETURNING 1
	)
	SELECT EXISTS (SELECT FROM gone) FROM i;
END;
COMMENT ON FUNCTION @extschema@.spsa_remove_flow_step(text, integer) IS
'removes the step at a position of a flow, the others keep theirs; true if there was one. Errors: 42704 unknown flow.';
