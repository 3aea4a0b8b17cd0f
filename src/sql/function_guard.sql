-- function_guard.sql - putting functions and procedures under spsa.

CREATE FUNCTION @extschema@.spsa_protect_function(function regprocedure) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_protect_function';
COMMENT ON FUNCTION @extschema@.spsa_protect_function(regprocedure) IS
'puts a function or procedure under spsa: each call of it, by whatever way, needs an effective permission set that grants it (spsa_grant_function), besides the privilege EXECUTE, also for its owner. For the function''s owner. Protecting again is no error.
Errors: 42501 not the owner; 42883 unknown function; 22004 null; 55000 the library is not preloaded for everybody; 42809 a function of the system, an aggregate (its transition function can be protected), a trigger function, an IMMUTABLE function (make it STABLE), one with an argument of type cstring or a planner support function, one that sets the role or the session that it is called by.';

CREATE FUNCTION @extschema@.spsa_unprotect_function(function regprocedure) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_unprotect_function';
COMMENT ON FUNCTION @extschema@.spsa_unprotect_function(regprocedure) IS
'takes a function or procedure out of spsa: EXECUTE alone decides. What permission sets grant on it stays. For the function''s owner. Errors: 42501 not the owner; 42883 unknown function; 22004 null; 42704 not protected.';

CREATE FUNCTION spsa.signal_function() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'spsa_signal_function';
COMMENT ON FUNCTION spsa.signal_function() IS 'trigger: makes every backend plan anew, at commit, what a function was inlined into';
CREATE TRIGGER signal_function AFTER INSERT OR UPDATE OR DELETE ON spsa.protected_function
	FOR EACH ROW EXECUTE FUNCTION spsa.signal_function();
ALTER TABLE spsa.protected_function ENABLE ALWAYS TRIGGER signal_function;
