/* definition.h - what permission sets grant. */
#ifndef SPSA_DEFINITION_H
#define SPSA_DEFINITION_H

#include "access/attnum.h"
#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "utils/snapshot.h"

typedef enum Privilege
{
	PRIVILEGE_READ,
	PRIVILEGE_CREATE,
	PRIVILEGE_EDIT,
	PRIVILEGE_DELETE,
	PRIVILEGE_VIEW_ALL,
	PRIVILEGE_MODIFY_ALL
} Privilege;

#define PRIVILEGE_COUNT 6
#define PRIVILEGE_BIT(privilege) (1u << (privilege))

typedef enum ScopeOperator
{
	SCOPE_EQUAL,
	SCOPE_LESS,
	SCOPE_LESS_EQUAL,
	SCOPE_GREATER,
	SCOPE_GREATER_EQUAL,
	SCOPE_IS_NULL
} ScopeOperator;

typedef struct RowScope
{
	NameData	field;
	Oid			field_type;
	ScopeOperator operator;
	uint32		privileges;		/* bits */
	int			nliterals;
	char	  **literals;		/* in canonical text form */
	char	   *attribute;		/* NULL: literals */
} RowScope;

typedef struct ObjectGrant
{
	Oid			object;
	uint32		privileges;		/* bits */
	bool		row_scoped;
	List	   *scopes;			/* of RowScope * */
} ObjectGrant;

typedef struct FieldGrant
{
	Oid			object;
	AttrNumber	number;
	NameData	field;
	uint32		privileges;		/* PRIVILEGE_READ and PRIVILEGE_EDIT */
} FieldGrant;

/* A relation under spsa_protect(). */
typedef struct ObjectProtection
{
	Oid			object;
	bool		raises;			/* on_denied is error */
	bool		force;
	Oid			root;			/* with which it is protected, and whose
								 * permissions count; InvalidOid: its own */
} ObjectProtection;

typedef enum SetKind
{
	KIND_SET,
	KIND_GROUP,
	KIND_MUTING
} SetKind;

typedef struct GroupMember
{
	int32		set_id;
	TimestampTz added_at;
} GroupMember;

/* A permission set and what it grants; of kind muting: what it takes away. */
typedef struct Definition
{
	int32		set_id;
	char	   *name;
	SetKind		kind;
	bool		activation_required;
	bool		bypass;			/* of a group: its members need no activation */
	int			ngrants;
	ObjectGrant *grants;		/* sorted by object */
	List	   *fields;			/* of FieldGrant * */
	List	   *functions;		/* of char *: signatures */
	List	   *permissions;	/* of int: custom permissions */
	List	   *members;		/* of GroupMember *: sets of a group */
	List	   *excluded;		/* of int: sets not to be in effect beside it */
	List	   *objects;		/* of ObjectProtection *, sorted by object; of
								 * sets: NIL */
} Definition;

/* In place of a set: what is protected. Its fields have no privileges; its functions are those protected. */
#define DEFINITION_OF_PROTECTION 0

extern const char *const privilege_names[PRIVILEGE_COUNT];
extern bool privilege_parse(const char *name, Privilege *privilege);
extern bool definition_parse_kind(const char *name, SetKind *kind);
extern bool definition_exists(int32 set_id);
extern SetKind definition_kind(int32 set_id);
extern bool operator_parse(const char *name, ScopeOperator *operator);
extern uint32 definition_closure_of_muting(uint32 privileges);
extern int32 definition_find_permission(const char *name);
extern int32 definition_find_set(const char *name);
extern bool definition_has_grant(int32 set_id, Oid object);
extern Definition *definition_read(int32 set_id, Snapshot snapshot);
extern uint32 definition_field(const Definition *definition, Oid object, AttrNumber number);
extern Oid	definition_root(const Definition *protection, Oid object);
extern bool definition_protects_field(const Definition *protection, Oid object, AttrNumber number);
extern void definition_granted_field(const Definition *protection, Oid *object, AttrNumber *number);
extern bool definition_has_function(const Definition *definition, const char *signature);
extern const ObjectGrant *definition_grant(const Definition *definition, Oid object);

#endif							/* SPSA_DEFINITION_H */
