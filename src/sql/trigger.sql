-- trigger.sql - what the tables do by themselves: check rows, keep the audit trail, send signals.
--
-- Signals are ENABLE ALWAYS, so that logical replication fires them too. TRUNCATE has no row trigger.

CREATE FUNCTION spsa.check_permission_set() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'spsa_check_permission_set';
COMMENT ON FUNCTION spsa.check_permission_set() IS 'trigger: explains what is wrong with a permission set''s name (22023)';
CREATE FUNCTION spsa.check_app_user() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'spsa_check_app_user';
COMMENT ON FUNCTION spsa.check_app_user() IS 'trigger: explains what is wrong with a user''s name or attributes (22023)';
CREATE FUNCTION spsa.check_assignment() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'spsa_check_assignment';
COMMENT ON FUNCTION spsa.check_assignment() IS 'trigger: refuses an assignment that ends before it begins (23514)';
CREATE FUNCTION spsa.check_object_permission() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'spsa_check_object_permission';
COMMENT ON FUNCTION spsa.check_object_permission() IS 'trigger: names the privilege that is missing (23514), refuses objects that cannot be granted on (42809)';
CREATE FUNCTION spsa.check_row_scope() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'spsa_check_row_scope';
COMMENT ON FUNCTION spsa.check_row_scope() IS 'trigger: checks a row scope''s values against its field''s type and keeps them in canonical form';
CREATE FUNCTION spsa.check_group_member() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'spsa_check_group_member';
COMMENT ON FUNCTION spsa.check_group_member() IS 'trigger: refuses members of what is no group, groups in groups (42809) and more than 100 members (54000)';
CREATE FUNCTION spsa.check_field() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'spsa_check_field';
COMMENT ON FUNCTION spsa.check_field() IS 'trigger: checks the field of a row, and notes its number';
CREATE FUNCTION spsa.check_function() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'spsa_check_function';
COMMENT ON FUNCTION spsa.check_function() IS 'trigger: checks the function of a row (42883), and writes its signature in the canonical form';
CREATE FUNCTION spsa.check_granting_set() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'spsa_check_granting_set';
COMMENT ON FUNCTION spsa.check_granting_set() IS 'trigger: refuses permissions of a group, which grants by its members (42809)';
CREATE FUNCTION spsa.check_custom_permission() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'spsa_check_custom_permission';
COMMENT ON FUNCTION spsa.check_custom_permission() IS 'trigger: explains what is wrong with a custom permission''s name (22023), keeps the built-in ones as they are (42501)';
CREATE FUNCTION spsa.check_exclusion() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'spsa_check_exclusion';
COMMENT ON FUNCTION spsa.check_exclusion() IS 'trigger: puts the two sets of an exclusion in order';
CREATE FUNCTION spsa.check_static_exclusion() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'spsa_check_static_exclusion';
COMMENT ON FUNCTION spsa.check_static_exclusion() IS 'trigger: refuses what gives a user two sets that exclude each other (23514)';
CREATE FUNCTION spsa.audit_change() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'spsa_audit_change';
COMMENT ON FUNCTION spsa.audit_change() IS 'trigger: writes the change of a row to audit_event; with the argument direct, only if none of the extension''s functions makes it';
CREATE FUNCTION spsa.chain_event() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'spsa_chain_event';
COMMENT ON FUNCTION spsa.chain_event() IS 'trigger: links an event to the one before it, whatever the row says about that, and does NOTIFY spsa with the event''s identifier if spsa.notify_events is on. Under session_replication_role = replica a row that has a hash stays as it is';
CREATE FUNCTION spsa.signal_definition() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'spsa_signal_definition';
COMMENT ON FUNCTION spsa.signal_definition() IS 'trigger: tells every backend at commit that permission sets changed';
CREATE FUNCTION spsa.signal_session() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'spsa_signal_session';
COMMENT ON FUNCTION spsa.signal_session() IS 'trigger: tells every backend at commit that the session changed';
CREATE FUNCTION spsa.signal_user() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'spsa_signal_user';
COMMENT ON FUNCTION spsa.signal_user() IS 'trigger: tells every backend at commit that the sessions of a user changed';

CREATE TRIGGER check_row BEFORE INSERT OR UPDATE ON spsa.permission_set
	FOR EACH ROW EXECUTE FUNCTION spsa.check_permission_set();
CREATE TRIGGER check_row BEFORE INSERT OR UPDATE ON spsa.app_user
	FOR EACH ROW EXECUTE FUNCTION spsa.check_app_user();
CREATE TRIGGER check_row BEFORE INSERT OR UPDATE ON spsa.assignment
	FOR EACH ROW EXECUTE FUNCTION spsa.check_assignment();
CREATE TRIGGER check_row BEFORE INSERT OR UPDATE ON spsa.object_permission
	FOR EACH ROW EXECUTE FUNCTION spsa.check_object_permission();
CREATE TRIGGER check_row BEFORE INSERT OR UPDATE ON spsa.row_scope
	FOR EACH ROW EXECUTE FUNCTION spsa.check_row_scope();
CREATE TRIGGER check_row AFTER INSERT OR UPDATE ON spsa.group_member
	FOR EACH ROW EXECUTE FUNCTION spsa.check_group_member();
CREATE TRIGGER check_row BEFORE INSERT OR UPDATE ON spsa.field_permission
	FOR EACH ROW EXECUTE FUNCTION spsa.check_field();
CREATE TRIGGER check_row BEFORE INSERT OR UPDATE ON spsa.protected_field
	FOR EACH ROW EXECUTE FUNCTION spsa.check_field();
CREATE TRIGGER check_row BEFORE INSERT OR UPDATE ON spsa.function_permission
	FOR EACH ROW EXECUTE FUNCTION spsa.check_function();
CREATE TRIGGER check_row BEFORE INSERT OR UPDATE ON spsa.protected_function
	FOR EACH ROW EXECUTE FUNCTION spsa.check_function();
CREATE TRIGGER check_row BEFORE INSERT OR UPDATE ON spsa.custom_permission_grant
	FOR EACH ROW EXECUTE FUNCTION spsa.check_granting_set();
CREATE TRIGGER check_row BEFORE INSERT OR UPDATE OR DELETE ON spsa.custom_permission
	FOR EACH ROW EXECUTE FUNCTION spsa.check_custom_permission();
CREATE TRIGGER check_row BEFORE INSERT OR UPDATE ON spsa.exclusion
	FOR EACH ROW EXECUTE FUNCTION spsa.check_exclusion();
CREATE TRIGGER check_static_exclusion AFTER INSERT OR UPDATE ON spsa.assignment
	FOR EACH ROW EXECUTE FUNCTION spsa.check_static_exclusion();
CREATE TRIGGER check_static_exclusion AFTER INSERT OR UPDATE ON spsa.group_member
	FOR EACH ROW EXECUTE FUNCTION spsa.check_static_exclusion();
CREATE TRIGGER check_static_exclusion AFTER INSERT OR UPDATE ON spsa.exclusion
	FOR EACH ROW EXECUTE FUNCTION spsa.check_static_exclusion();

CREATE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON spsa.app_user
	FOR EACH ROW EXECUTE FUNCTION spsa.audit_change();
CREATE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON spsa.permission_set
	FOR EACH ROW EXECUTE FUNCTION spsa.audit_change();
CREATE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON spsa.object_permission
	FOR EACH ROW EXECUTE FUNCTION spsa.audit_change();
CREATE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON spsa.row_scope
	FOR EACH ROW EXECUTE FUNCTION spsa.audit_change();
CREATE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON spsa.protected_object
	FOR EACH ROW EXECUTE FUNCTION spsa.audit_change();
CREATE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON spsa.assignment
	FOR EACH ROW EXECUTE FUNCTION spsa.audit_change();
CREATE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON spsa.group_member
	FOR EACH ROW EXECUTE FUNCTION spsa.audit_change();
CREATE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON spsa.field_permission
	FOR EACH ROW EXECUTE FUNCTION spsa.audit_change();
CREATE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON spsa.function_permission
	FOR EACH ROW EXECUTE FUNCTION spsa.audit_change();
CREATE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON spsa.custom_permission
	FOR EACH ROW EXECUTE FUNCTION spsa.audit_change();
CREATE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON spsa.custom_permission_grant
	FOR EACH ROW EXECUTE FUNCTION spsa.audit_change();
CREATE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON spsa.protected_field
	FOR EACH ROW EXECUTE FUNCTION spsa.audit_change();
CREATE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON spsa.protected_function
	FOR EACH ROW EXECUTE FUNCTION spsa.audit_change();
CREATE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON spsa.exclusion
	FOR EACH ROW EXECUTE FUNCTION spsa.audit_change();
CREATE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON spsa.masked_view
	FOR EACH ROW EXECUTE FUNCTION spsa.audit_change();
-- What the functions do with these, they record themselves.
CREATE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON spsa.session
	FOR EACH ROW EXECUTE FUNCTION spsa.audit_change('direct');
CREATE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON spsa.session_end
	FOR EACH ROW EXECUTE FUNCTION spsa.audit_change('direct');
CREATE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON spsa.session_token
	FOR EACH ROW EXECUTE FUNCTION spsa.audit_change('direct');
CREATE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON spsa.activation
	FOR EACH ROW EXECUTE FUNCTION spsa.audit_change('direct');
CREATE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON spsa.activation_end
	FOR EACH ROW EXECUTE FUNCTION spsa.audit_change('direct');
CREATE TRIGGER audit_truncate AFTER TRUNCATE ON spsa.app_user EXECUTE FUNCTION spsa.audit_change();
CREATE TRIGGER audit_truncate AFTER TRUNCATE ON spsa.permission_set EXECUTE FUNCTION spsa.audit_change();
CREATE TRIGGER audit_truncate AFTER TRUNCATE ON spsa.object_permission EXECUTE FUNCTION spsa.audit_change();
CREATE TRIGGER audit_truncate AFTER TRUNCATE ON spsa.row_scope EXECUTE FUNCTION spsa.audit_change();
CREATE TRIGGER audit_truncate AFTER TRUNCATE ON spsa.protected_object EXECUTE FUNCTION spsa.audit_change();
CREATE TRIGGER audit_truncate AFTER TRUNCATE ON spsa.assignment EXECUTE FUNCTION spsa.audit_change();
CREATE TRIGGER audit_truncate AFTER TRUNCATE ON spsa.session EXECUTE FUNCTION spsa.audit_change();
CREATE TRIGGER audit_truncate AFTER TRUNCATE ON spsa.session_end EXECUTE FUNCTION spsa.audit_change();
CREATE TRIGGER audit_truncate AFTER TRUNCATE ON spsa.session_token EXECUTE FUNCTION spsa.audit_change();
CREATE TRIGGER audit_truncate AFTER TRUNCATE ON spsa.activation EXECUTE FUNCTION spsa.audit_change();
CREATE TRIGGER audit_truncate AFTER TRUNCATE ON spsa.activation_end EXECUTE FUNCTION spsa.audit_change();
CREATE TRIGGER audit_truncate AFTER TRUNCATE ON spsa.group_member EXECUTE FUNCTION spsa.audit_change();
CREATE TRIGGER audit_truncate AFTER TRUNCATE ON spsa.field_permission EXECUTE FUNCTION spsa.audit_change();
CREATE TRIGGER audit_truncate AFTER TRUNCATE ON spsa.function_permission EXECUTE FUNCTION spsa.audit_change();
CREATE TRIGGER audit_truncate AFTER TRUNCATE ON spsa.custom_permission EXECUTE FUNCTION spsa.audit_change();
CREATE TRIGGER audit_truncate AFTER TRUNCATE ON spsa.custom_permission_grant EXECUTE FUNCTION spsa.audit_change();
CREATE TRIGGER audit_truncate AFTER TRUNCATE ON spsa.protected_field EXECUTE FUNCTION spsa.audit_change();
CREATE TRIGGER audit_truncate AFTER TRUNCATE ON spsa.protected_function EXECUTE FUNCTION spsa.audit_change();
CREATE TRIGGER audit_truncate AFTER TRUNCATE ON spsa.exclusion EXECUTE FUNCTION spsa.audit_change();
CREATE TRIGGER audit_truncate AFTER TRUNCATE ON spsa.masked_view EXECUTE FUNCTION spsa.audit_change();
CREATE TRIGGER chain_event BEFORE INSERT ON spsa.audit_event
	FOR EACH ROW EXECUTE FUNCTION spsa.chain_event();

CREATE TRIGGER signal AFTER INSERT OR UPDATE OR DELETE ON spsa.permission_set
	FOR EACH ROW EXECUTE FUNCTION spsa.signal_definition();
CREATE TRIGGER signal AFTER INSERT OR UPDATE OR DELETE ON spsa.object_permission
	FOR EACH ROW EXECUTE FUNCTION spsa.signal_definition();
CREATE TRIGGER signal AFTER INSERT OR UPDATE OR DELETE ON spsa.row_scope
	FOR EACH ROW EXECUTE FUNCTION spsa.signal_definition();
CREATE TRIGGER signal AFTER INSERT OR UPDATE OR DELETE ON spsa.protected_object
	FOR EACH ROW EXECUTE FUNCTION spsa.signal_definition();
CREATE TRIGGER signal AFTER INSERT OR UPDATE OR DELETE ON spsa.group_member
	FOR EACH ROW EXECUTE FUNCTION spsa.signal_definition();
CREATE TRIGGER signal AFTER INSERT OR UPDATE OR DELETE ON spsa.field_permission
	FOR EACH ROW EXECUTE FUNCTION spsa.signal_definition();
CREATE TRIGGER signal AFTER INSERT OR UPDATE OR DELETE ON spsa.function_permission
	FOR EACH ROW EXECUTE FUNCTION spsa.signal_definition();
CREATE TRIGGER signal AFTER INSERT OR UPDATE OR DELETE ON spsa.custom_permission
	FOR EACH ROW EXECUTE FUNCTION spsa.signal_definition();
CREATE TRIGGER signal AFTER INSERT OR UPDATE OR DELETE ON spsa.custom_permission_grant
	FOR EACH ROW EXECUTE FUNCTION spsa.signal_definition();
CREATE TRIGGER signal AFTER INSERT OR UPDATE OR DELETE ON spsa.protected_field
	FOR EACH ROW EXECUTE FUNCTION spsa.signal_definition();
CREATE TRIGGER signal AFTER INSERT OR UPDATE OR DELETE ON spsa.protected_function
	FOR EACH ROW EXECUTE FUNCTION spsa.signal_definition();
CREATE TRIGGER signal AFTER INSERT OR UPDATE OR DELETE ON spsa.exclusion
	FOR EACH ROW EXECUTE FUNCTION spsa.signal_definition();
CREATE TRIGGER signal AFTER INSERT OR UPDATE OR DELETE ON spsa.masked_view
	FOR EACH ROW EXECUTE FUNCTION spsa.signal_definition();
CREATE TRIGGER signal AFTER UPDATE OR DELETE ON spsa.app_user
	FOR EACH ROW EXECUTE FUNCTION spsa.signal_user();
CREATE TRIGGER signal AFTER INSERT OR UPDATE OR DELETE ON spsa.assignment
	FOR EACH ROW EXECUTE FUNCTION spsa.signal_user();
CREATE TRIGGER signal AFTER UPDATE OR DELETE ON spsa.session
	FOR EACH ROW EXECUTE FUNCTION spsa.signal_session();
CREATE TRIGGER signal AFTER INSERT OR UPDATE OR DELETE ON spsa.session_end
	FOR EACH ROW EXECUTE FUNCTION spsa.signal_session();
CREATE TRIGGER signal AFTER INSERT OR UPDATE OR DELETE ON spsa.session_token
	FOR EACH ROW EXECUTE FUNCTION spsa.signal_session();
CREATE TRIGGER signal AFTER INSERT OR UPDATE OR DELETE ON spsa.activation
	FOR EACH ROW EXECUTE FUNCTION spsa.signal_session();
CREATE TRIGGER signal AFTER INSERT OR UPDATE OR DELETE ON spsa.activation_end
	FOR EACH ROW EXECUTE FUNCTION spsa.signal_session();
CREATE TRIGGER signal_truncate AFTER TRUNCATE ON spsa.permission_set EXECUTE FUNCTION spsa.signal_definition();
CREATE TRIGGER signal_truncate AFTER TRUNCATE ON spsa.object_permission EXECUTE FUNCTION spsa.signal_definition();
CREATE TRIGGER signal_truncate AFTER TRUNCATE ON spsa.row_scope EXECUTE FUNCTION spsa.signal_definition();
CREATE TRIGGER signal_truncate AFTER TRUNCATE ON spsa.protected_object EXECUTE FUNCTION spsa.signal_definition();
CREATE TRIGGER signal_truncate AFTER TRUNCATE ON spsa.group_member EXECUTE FUNCTION spsa.signal_definition();
CREATE TRIGGER signal_truncate AFTER TRUNCATE ON spsa.field_permission EXECUTE FUNCTION spsa.signal_definition();
CREATE TRIGGER signal_truncate AFTER TRUNCATE ON spsa.function_permission EXECUTE FUNCTION spsa.signal_definition();
CREATE TRIGGER signal_truncate AFTER TRUNCATE ON spsa.custom_permission EXECUTE FUNCTION spsa.signal_definition();
CREATE TRIGGER signal_truncate AFTER TRUNCATE ON spsa.custom_permission_grant EXECUTE FUNCTION spsa.signal_definition();
CREATE TRIGGER signal_truncate AFTER TRUNCATE ON spsa.protected_field EXECUTE FUNCTION spsa.signal_definition();
CREATE TRIGGER signal_truncate AFTER TRUNCATE ON spsa.protected_function EXECUTE FUNCTION spsa.signal_definition();
CREATE TRIGGER signal_truncate AFTER TRUNCATE ON spsa.exclusion EXECUTE FUNCTION spsa.signal_definition();
CREATE TRIGGER signal_truncate AFTER TRUNCATE ON spsa.masked_view EXECUTE FUNCTION spsa.signal_definition();
CREATE TRIGGER signal_truncate AFTER TRUNCATE ON spsa.app_user EXECUTE FUNCTION spsa.signal_user();
CREATE TRIGGER signal_truncate AFTER TRUNCATE ON spsa.assignment EXECUTE FUNCTION spsa.signal_user();
CREATE TRIGGER signal_truncate AFTER TRUNCATE ON spsa.session EXECUTE FUNCTION spsa.signal_session();
CREATE TRIGGER signal_truncate AFTER TRUNCATE ON spsa.session_end EXECUTE FUNCTION spsa.signal_session();
CREATE TRIGGER signal_truncate AFTER TRUNCATE ON spsa.session_token EXECUTE FUNCTION spsa.signal_session();
CREATE TRIGGER signal_truncate AFTER TRUNCATE ON spsa.activation EXECUTE FUNCTION spsa.signal_session();
CREATE TRIGGER signal_truncate AFTER TRUNCATE ON spsa.activation_end EXECUTE FUNCTION spsa.signal_session();

ALTER TABLE spsa.audit_event ENABLE ALWAYS TRIGGER chain_event;
ALTER TABLE spsa.permission_set ENABLE ALWAYS TRIGGER signal, ENABLE ALWAYS TRIGGER signal_truncate;
ALTER TABLE spsa.object_permission ENABLE ALWAYS TRIGGER signal, ENABLE ALWAYS TRIGGER signal_truncate;
ALTER TABLE spsa.row_scope ENABLE ALWAYS TRIGGER signal, ENABLE ALWAYS TRIGGER signal_truncate;
ALTER TABLE spsa.protected_object ENABLE ALWAYS TRIGGER signal, ENABLE ALWAYS TRIGGER signal_truncate;
ALTER TABLE spsa.app_user ENABLE ALWAYS TRIGGER signal, ENABLE ALWAYS TRIGGER signal_truncate;
ALTER TABLE spsa.assignment ENABLE ALWAYS TRIGGER signal, ENABLE ALWAYS TRIGGER signal_truncate;
ALTER TABLE spsa.session ENABLE ALWAYS TRIGGER signal, ENABLE ALWAYS TRIGGER signal_truncate;
ALTER TABLE spsa.session_end ENABLE ALWAYS TRIGGER signal, ENABLE ALWAYS TRIGGER signal_truncate;
ALTER TABLE spsa.session_token ENABLE ALWAYS TRIGGER signal, ENABLE ALWAYS TRIGGER signal_truncate;
ALTER TABLE spsa.activation ENABLE ALWAYS TRIGGER signal, ENABLE ALWAYS TRIGGER signal_truncate;
ALTER TABLE spsa.activation_end ENABLE ALWAYS TRIGGER signal, ENABLE ALWAYS TRIGGER signal_truncate;
ALTER TABLE spsa.group_member ENABLE ALWAYS TRIGGER signal, ENABLE ALWAYS TRIGGER signal_truncate;
ALTER TABLE spsa.field_permission ENABLE ALWAYS TRIGGER signal, ENABLE ALWAYS TRIGGER signal_truncate;
ALTER TABLE spsa.function_permission ENABLE ALWAYS TRIGGER signal, ENABLE ALWAYS TRIGGER signal_truncate;
ALTER TABLE spsa.custom_permission ENABLE ALWAYS TRIGGER signal, ENABLE ALWAYS TRIGGER signal_truncate;
ALTER TABLE spsa.custom_permission_grant ENABLE ALWAYS TRIGGER signal, ENABLE ALWAYS TRIGGER signal_truncate;
ALTER TABLE spsa.protected_field ENABLE ALWAYS TRIGGER signal, ENABLE ALWAYS TRIGGER signal_truncate;
ALTER TABLE spsa.protected_function ENABLE ALWAYS TRIGGER signal, ENABLE ALWAYS TRIGGER signal_truncate;
ALTER TABLE spsa.exclusion ENABLE ALWAYS TRIGGER signal, ENABLE ALWAYS TRIGGER signal_truncate;
ALTER TABLE spsa.masked_view ENABLE ALWAYS TRIGGER signal, ENABLE ALWAYS TRIGGER signal_truncate;
