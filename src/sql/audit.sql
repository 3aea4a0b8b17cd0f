-- audit.sql - whether the audit trail is what was written.

CREATE FUNCTION @extschema@.spsa_audit_head(before timestamptz DEFAULT NULL, pruned text DEFAULT NULL) RETURNS text
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_audit_head';
COMMENT ON FUNCTION @extschema@.spsa_audit_head(timestamptz, text) IS
'what fixes all audit events that are committed: a line to be kept outside of the database, and given to spsa_verify_audit(). It has, separated by "/": the format (1), the number of events, the greatest event_id, the snapshot, the time of "before" or "-", and a digest (SHA-256 in hexadecimal: 32 bytes of zero, and for each event, in the order of at and event_id, the SHA-256 of the digest so far and the event''s hash).
before: only events before this time, which are going to be deleted; null: all. pruned: the head of those that were deleted already; null: none were. For roles that may select from spsa.audit_event.
Errors: 22P02 (22003, 22007) malformed head; 22023 before is not in the past, or pruned has no such time; 25001 the transaction has written something; 25006 on a standby; 42501 not permitted; 55000 an event that another server has written.';

CREATE FUNCTION @extschema@.spsa_verify_audit(head text DEFAULT NULL, pruned text DEFAULT NULL)
	RETURNS TABLE (event_id bigint, session_id uuid, problem text)
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_verify_audit';
COMMENT ON FUNCTION @extschema@.spsa_verify_audit(text, text) IS
'broken links of the audit trail, the first one first; no row: it is intact. problem: "event was changed" (or was not written by the extension), "event before it is missing", "... is of another session", "... was replaced"; and, if a head is given, in a last row without event, how many of the events that it covers are missing, or that there are more, or that they are not the same. Without a head, nothing tells that the last events of a session, or whole sessions, are missing.
head: what spsa_audit_head() returned at any time. pruned: what spsa_audit_head(before) returned for events that were deleted since: those before that time may be missing; null: none may. Takes time: it reads all events. For roles that may select from spsa.audit_event.
Errors: 22P02 (22003, 22007) malformed head; 22023 pruned has no time before which events were deleted; 42501 not permitted.';

CREATE FUNCTION @extschema@.spsa_partition_audit(period text DEFAULT 'month', ahead integer DEFAULT 3) RETURNS integer
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_partition_audit';
COMMENT ON FUNCTION @extschema@.spsa_partition_audit(text, integer) IS
'makes partitions of spsa.audit_event by time: what is there, up to the end of the period of now, becomes one, and there is one for each of so many periods ahead; the number of those made. To be called again before these are over, by a scheduler: what comes later goes into audit_event_default, from which the next call makes a partition. Locks the table against everything, while it reads that partition; lock_timeout limits the waiting.
period: day, week, month, quarter or year, beginning in UTC; another one than before is possible. ahead: 0 to 100. For the owner of the extension and superusers.
Errors: 22004 null; 22023 no such period, ahead out of range; 42501 not permitted.';

CREATE FUNCTION @extschema@.spsa_prune_audit(pruned text) RETURNS integer
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'spsa_prune_audit';
COMMENT ON FUNCTION @extschema@.spsa_prune_audit(text) IS
'drops the partitions of spsa.audit_event of which all is older than the time for which a head was taken, and writes that to the audit trail (audit_prune); the number of partitions. Locks the table against everything for a moment.
pruned: what spsa_audit_head(before) returned: without it, what remains could not be verified. Keep it for spsa_verify_audit(), and for the next head. For the owner of the extension and superusers.
Errors: 22004 null; 22023 the head has no such time; 22P02 (22003, 22007) malformed head; 42501 not permitted.';
