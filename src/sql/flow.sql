-- flow.sql - flows: named lists of activations and deactivations, and running them.
--
-- The backends read these tables by column position (src/base/table.h): add columns at the end only.

CREATE SEQUENCE spsa.flow_id_seq AS integer;
CREATE TABLE spsa.flow (
	flow_id integer NOT NULL DEFAULT pg_catalog.nextval('spsa.flow_id_seq'),
	flow_name text COLLATE "C" NOT NULL,
	label text,
	is_active boolean NOT NULL DEFAULT true,
	criterion text COLLATE "C",
	allowed_set integer,
	run_at_open boolean NOT NULL DEFAULT false,
	description text,
	CONSTRAINT flow_pkey PRIMARY KEY (flow_id),
	CONSTRAINT flow_flow_name_key UNIQUE (flow_name),
	CONSTRAINT flow_flow_name_check
		CHECK (pg_catalog.length(flow_name) <= 80 AND flow_name ~ '^[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*$'),
	CONSTRAINT flow_allowed_set_fkey FOREIGN KEY (allowed_set) REFERENCES spsa.permission_set (set_id) ON DELETE SET NULL
);
ALTER SEQUENCE spsa.flow_id_seq OWNED BY spsa.flow.flow_id;
CREATE INDEX flow_allowed_set_idx ON spsa.flow (allowed_set);
CREATE INDEX flow_at_open_idx ON spsa.flow (flow_name) WHERE is_active AND run_at_open;
COMMENT ON SEQUENCE spsa.flow_id_seq IS 'identifiers of flows';
COMMENT ON TABLE spsa.flow IS 'flows: named lists of activations and deactivations that happen together';
COMMENT ON COLUMN spsa.flow.flow_id IS 'identifier of the flow';
COMMENT ON COLUMN spsa.flow.flow_name IS 'unique name: at most 80 characters, letters, digits and single underscores, begins with a letter, no underscore at the end';
COMMENT ON COLUMN spsa.flow.label IS 'name for people';
COMMENT ON COLUMN spsa.flow.is_active IS 'false: it cannot be run; so is a flow whose criterion was dropped or renamed, until an administrator switches it on';
COMMENT ON COLUMN spsa.flow.criterion IS 'qualified signature of a function of the application''s, f(session uuid) returning boolean, as in public.from_office(pg_catalog.uuid): the flow runs only if it returns true; it is called with the rights and settings of who runs the flow or opens the session. Null: no condition. Who has not the rights of the extension''s owner cannot choose it';
COMMENT ON COLUMN spsa.flow.allowed_set IS 'permission set or group: sessions in which it is in effect may run the flow without the custom permission run_flows, and if it is run at the opening it is in these alone; null: none';
COMMENT ON COLUMN spsa.flow.run_at_open IS 'true: run when a session is opened; if it fails then, a WARNING says so and nothing of it remains';
COMMENT ON COLUMN spsa.flow.description IS 'what the flow is for';

CREATE TABLE spsa.flow_step (
	flow_id integer NOT NULL,
	"position" integer NOT NULL,
	action text NOT NULL,
	set_id integer NOT NULL,
	CONSTRAINT flow_step_pkey PRIMARY KEY (flow_id, "position"),
	CONSTRAINT flow_step_flow_id_fkey FOREIGN KEY (flow_id) REFERENCES spsa.flow (flow_id) ON DELETE CASCADE,
	CONSTRAINT flow_step_set_id_fkey FOREIGN KEY (set_id) REFERENCES spsa.permission_set (set_id) ON DELETE CASCADE,
	CONSTRAINT flow_step_position_check CHECK ("position" > 0),
	CONSTRAINT flow_step_action_check CHECK (action IN ('activate', 'deactivate'))
);
CREATE INDEX flow_step_set_id_idx ON spsa.flow_step (set_id);
COMMENT ON TABLE spsa.flow_step IS 'what flows do, step by step';
COMMENT ON COLUMN spsa.flow_step.flow_id IS 'flow';
COMMENT ON COLUMN spsa.flow_step."position" IS 'place in the order of the steps, from 1, with or without gaps';
COMMENT ON COLUMN spsa.flow_step.action IS 'activate or deactivate';
COMMENT ON COLUMN spsa.flow_step.set_id IS 'permission set or group';

SELECT pg_catalog.pg_extension_config_dump('spsa.flow', '');
SELECT pg_catalog.pg_extension_config_dump('spsa.flow_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('spsa.flow_step', '');

CREATE FUNCTION spsa.check_flow() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'spsa_check_flow';
COMMENT ON FUNCTION spsa.check_flow() IS 'trigger: explains what is wrong with a flow''s name (22023) or criterion (42883, 42809, and 42501 who may not choose one), and writes its signature in the canonical form';
CREATE FUNCTION spsa.check_flow_step() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'spsa_check_flow_step';
COMMENT ON FUNCTION spsa.check_flow_step() IS 'trigger: refuses unknown actions and positions (22023) and muting sets (42809)';
CREATE TRIGGER check_row BEFORE INSERT OR UPDATE ON spsa.flow
	FOR EACH ROW EXECUTE FUNCTION spsa.check_flow();
CREATE TRIGGER check_row BEFORE INSERT OR UPDATE ON spsa.flow_step
	FOR EACH ROW EXECUTE FUNCTION spsa.check_flow_step();
CREATE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON spsa.flow
	FOR EACH ROW EXECUTE FUNCTION spsa.audit_change();
CREATE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON spsa.flow_step
	FOR EACH ROW EXECUTE FUNCTION spsa.audit_change();
CREATE TRIGGER audit_truncate AFTER TRUNCATE ON spsa.flow EXECUTE FUNCTION spsa.audit_change();
CREATE TRIGGER audit_truncate AFTER TRUNCATE ON spsa.flow_step EXECUTE FUNCTION spsa.audit_change();

CREATE FUNCTION @extschema@.spsa_run_flow(flow_name text, session uuid DEFAULT @extschema@.spsa_session_id(), reason text DEFAULT NULL)
	RETURNS TABLE ("position" integer, action text, permission_set text, message text, expires_at timestamptz)
	LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 5 AS 'MODULE_PATHNAME', 'spsa_run_flow';
COMMENT ON FUNCTION @extschema@.spsa_run_flow(text, uuid, text) IS
'runs a flow for a session: carries out its steps in their order, all of them or, if one fails, none. A row for each: its position, action (activate, deactivate) and permission set, a message (activated, active already, deactivated, not active, needs no activation), and of what is activated when it ends. Steps are made with the checks of spsa_activate() and spsa_deactivate(): what is not assigned to the session''s user is not activated, and activation rules must be met, save that a flow may activate what users cannot activate for themselves (self_activation). reason: is recorded with what is activated. The flow''s criterion, if it has one, is called before with the session, with the caller''s rights and settings; it must return true.
Who may run a flow: who may activate in the session, by the custom permission run_flows in effect in the own session or, without it, if the flow''s allowed set is in effect in the session that the flow is for; and roles that hold the INSERT privilege on spsa.activation (and, for steps that deactivate in another''s session, DELETE).
Errors: 28000 the session is not valid; 42501 not permitted for this session or this flow, the criterion does not hold, EXECUTE on it is missing, or a step is refused; 42704 unknown flow; 55000 the flow is not active, or it is run within a criterion; 42883 the criterion is gone, 42809 it is no such function any more; 55006 the criterion has attached or detached a session; 40001 the flow was changed meanwhile; those of spsa_activate(); and what the criterion raises.
Source: Salesforce, flows that activate and deactivate session-based permission sets.';
