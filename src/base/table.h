/* table.h - reading the extension's tables by index, outside any statement's snapshot. */
#ifndef SPSA_TABLE_H
#define SPSA_TABLE_H

#include "access/genam.h"
#include "access/skey.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

/* Columns by position, as src/sql/schema.sql creates them. */
#define Anum_app_user_user_id 1
#define Anum_app_user_user_name 2
#define Anum_app_user_db_role 3
#define Anum_app_user_attributes 4
#define Anum_app_user_is_active 5
#define Anum_app_user_session_limit 6

#define Anum_permission_set_set_id 1
#define Anum_permission_set_set_name 2
#define Anum_permission_set_kind 3
#define Anum_permission_set_activation_required 6
#define Anum_permission_set_member_activation 8

#define Anum_object_permission_set_id 1
#define Anum_object_permission_object 2
#define Anum_object_permission_can_read 3
#define Anum_object_permission_can_create 4
#define Anum_object_permission_can_edit 5
#define Anum_object_permission_can_delete 6
#define Anum_object_permission_view_all 7
#define Anum_object_permission_modify_all 8
#define Anum_object_permission_row_scoped 9
#define Anum_object_permission_muting 10

#define Anum_row_scope_set_id 2
#define Anum_row_scope_object 3
#define Anum_row_scope_field 4
#define Anum_row_scope_operator 5
#define Anum_row_scope_literals 6
#define Anum_row_scope_attribute 7
#define Anum_row_scope_privileges 8
#define Anum_row_scope_field_type 9
#define Anum_row_scope_field_number 10

#define Anum_group_member_group_id 1
#define Anum_group_member_member_id 2
#define Anum_group_member_added_at 3

#define Anum_field_permission_set_id 1
#define Anum_field_permission_object 2
#define Anum_field_permission_field 3
#define Anum_field_permission_can_read 4
#define Anum_field_permission_can_edit 5
#define Anum_field_permission_field_number 6
#define Anum_field_permission_muting 7

#define Anum_function_permission_set_id 1
#define Anum_function_permission_function 2

#define Anum_custom_permission_permission_id 1
#define Anum_custom_permission_permission_name 2

#define Anum_custom_permission_grant_set_id 1
#define Anum_custom_permission_grant_permission_id 2

#define Anum_protected_field_object 1
#define Anum_protected_field_field 2
#define Anum_protected_field_field_number 3

#define Anum_protected_function_function 1

#define Anum_exclusion_set_a 1
#define Anum_exclusion_set_b 2
#define Anum_exclusion_kind 3

#define Anum_protected_object_object 1
#define Anum_protected_object_on_denied 3
#define Anum_protected_object_as_restrictive 4
#define Anum_protected_object_force 6
#define Anum_protected_object_root 7

#define Anum_masked_view_view 1
#define Anum_masked_view_object 2
#define Anum_masked_view_owner 3

#define Anum_assignment_assignment_id 1
#define Anum_assignment_user_id 2
#define Anum_assignment_set_id 3
#define Anum_assignment_starts_at 6
#define Anum_assignment_expires_at 7

#define Anum_session_session_id 1
#define Anum_session_user_id 2
#define Anum_session_token_hash 3
#define Anum_session_db_role 4
#define Anum_session_parent_id 5
#define Anum_session_allowed_sets 6
#define Anum_session_created_at 7
#define Anum_session_authenticated_at 8
#define Anum_session_expires_at 9
#define Anum_session_idle_timeout 10
#define Anum_session_security_level 11
#define Anum_session_login_type 12
#define Anum_session_source_ip 13
#define Anum_session_actor 14
#define Anum_session_attributes 15
#define SESSION_COLUMNS 15

#define Anum_session_token_session_id 1
#define Anum_session_token_token_id 2
#define Anum_session_token_token_hash 3
#define Anum_session_token_issued_at 4
#define SESSION_TOKEN_COLUMNS 4

#define Anum_session_activity_session_id 1
#define Anum_session_activity_last_seen_at 2
#define SESSION_ACTIVITY_COLUMNS 2

#define Anum_session_end_session_id 1
#define Anum_session_end_ended_at 2
#define Anum_session_end_ends_with 3
#define SESSION_END_COLUMNS 3

#define Anum_jwt_issuer_issuer 1
#define Anum_jwt_issuer_audience 2
#define Anum_jwt_issuer_algorithms 3
#define Anum_jwt_issuer_jwks 4
#define Anum_jwt_issuer_user_claim 5
#define Anum_jwt_issuer_attribute_claims 6
#define Anum_jwt_issuer_high_assurance_acr 7
#define Anum_jwt_issuer_high_assurance_amr 8
#define Anum_jwt_issuer_clock_skew 9
#define Anum_jwt_issuer_max_lifetime 10
#define Anum_jwt_issuer_single_use 11
#define Anum_jwt_issuer_db_role 12
#define Anum_jwt_issuer_is_active 13
#define Anum_jwt_issuer_key_digests 14

#define Anum_jwt_session_session_id 1
#define Anum_jwt_session_issuer 2
#define Anum_jwt_session_key_digest 3
#define Anum_jwt_session_single_use 4
#define Anum_session_authentication_session_id 1
#define Anum_session_authentication_authenticated_at 2
#define Anum_session_authentication_security_level 3

#define Anum_totp_factor_factor_id 1
#define Anum_totp_factor_user_id 2
#define Anum_totp_factor_session_id 3
#define Anum_totp_factor_algorithm 4
#define Anum_totp_factor_digits 5
#define Anum_totp_factor_period 6
#define Anum_totp_factor_key_id 7
#define Anum_totp_factor_nonce 8
#define Anum_totp_factor_secret 9
#define Anum_totp_factor_enrolled_at 10

#define Anum_totp_counter_factor_id 1
#define Anum_totp_counter_attempts 2
#define Anum_totp_counter_forgiven 3
#define Anum_totp_counter_used_step 4

#define Anum_totp_change_factor_id 1
#define Anum_totp_change_change 2
#define Anum_totp_change_attempts 3

#define Anum_activation_session_id 1
#define Anum_activation_set_id 2
#define Anum_activation_assignment_id 3
#define Anum_activation_activated_at 4
#define Anum_activation_expires_at 5
#define Anum_activation_activated_by 6
#define Anum_activation_reason 7
#define Anum_activation_activation_id 8
#define Anum_activation_before_commit 9
#define Anum_activation_flow 10
#define Anum_activation_written_in 11
#define ACTIVATION_COLUMNS 11

#define Anum_activation_end_activation_id 2

#define Anum_activation_rule_set_id 1
#define Anum_activation_rule_self_activation 2
#define Anum_activation_rule_default_duration 3
#define Anum_activation_rule_max_duration 4
#define Anum_activation_rule_min_security_level 5
#define Anum_activation_rule_max_authentication_age 6
#define Anum_activation_rule_networks 7
#define Anum_activation_rule_weekdays 8
#define Anum_activation_rule_start_time 9
#define Anum_activation_rule_end_time 10
#define Anum_activation_rule_time_zone 11
#define Anum_activation_rule_reason_required 12
#define Anum_activation_rule_approvals_required 13
#define Anum_activation_rule_approver_set 14
#define Anum_activation_rule_break_glass 15

#define Anum_flow_flow_id 1
#define Anum_flow_flow_name 2
#define Anum_flow_is_active 4
#define Anum_flow_criterion 5
#define Anum_flow_allowed_set 6
#define Anum_flow_run_at_open 7

#define Anum_flow_step_flow_id 1
#define Anum_flow_step_position 2
#define Anum_flow_step_action 3
#define Anum_flow_step_set_id 4

#define Anum_audit_event_event_id 1
#define Anum_audit_event_at 2
#define Anum_audit_event_event 3
#define Anum_audit_event_session_id 4
#define Anum_audit_event_user_name 5
#define Anum_audit_event_set_name 6
#define Anum_audit_event_actor 7
#define Anum_audit_event_actor_session_id 8
#define Anum_audit_event_database_role 9
#define Anum_audit_event_client_address 10
#define Anum_audit_event_application_name 11
#define Anum_audit_event_active_sets 12
#define Anum_audit_event_detail 13
#define AUDIT_EVENT_COLUMNS 13	/* and what the chain's trigger writes: */
#define Anum_audit_event_transaction_id 14
#define Anum_audit_event_previous_id 15
#define Anum_audit_event_previous_at 16
#define Anum_audit_event_previous_hash 17
#define Anum_audit_event_hash 18

typedef struct TableScan
{
	Relation	relation;
	SysScanDesc scan;
} TableScan;

/* A row that is locked in its buffer, to be changed in place. */
typedef struct TableChange
{
	Relation	relation;
	void	   *state;
	HeapTuple	row;			/* a copy */
} TableChange;

extern Oid	table_oid(const char *name);
extern bool table_is_installed(const char *name);
extern Oid	table_schema(void);
extern Oid	table_extension_owner(void);
extern Oid	table_relation_owner(Oid relation);
extern Oid	table_parent(Oid child);
extern Snapshot table_snapshot(void);
extern void table_snapshot_release(Snapshot snapshot);
extern void table_key(ScanKey key, AttrNumber column, RegProcedure equality, Datum value);
extern void table_begin(TableScan *scan, const char *name, const char *index, Snapshot snapshot, int nkeys, ScanKey keys);
extern HeapTuple table_next(TableScan *scan);
extern Datum table_value(const TableScan *scan, HeapTuple row, AttrNumber column, bool *isnull);
extern bool table_has_row(const char *name, const char *index, Snapshot snapshot, int nkeys, ScanKey keys);
extern bool table_find(const char *name, const char *index, ScanKey key, AttrNumber column, Datum *value);
extern void table_end(TableScan *scan);
extern void table_insert(const char *name, int ncolumns, const Datum *values, const bool *nulls);
extern bool table_insert_new(const char *name, const char *index, int ncolumns, const Datum *values, const bool *nulls);
extern HeapTuple table_last(const char *name, const char *index, ScanKey key, Datum newest);
extern bool table_change_begin(TableChange *change, const char *name, const char *index, const ScanKeyData *key);
extern int64 table_change_get(const TableChange *change, AttrNumber column);
extern void table_change_set(TableChange *change, AttrNumber column, int64 value);
extern void table_change_finish(TableChange *change);
extern void table_change_cancel(TableChange *change);

#endif							/* SPSA_TABLE_H */
