/* definition.h - what permission sets grant. */
#ifndef SPSA_DEFINITION_H
#define SPSA_DEFINITION_H

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

/* A permission set and what it grants. */
typedef struct Definition
{
	int32		set_id;
	char	   *name;
	bool		activation_required;
	int			ngrants;
	ObjectGrant *grants;		/* sorted by object */
} Definition;

extern const char *const privilege_names[PRIVILEGE_COUNT];
extern bool privilege_parse(const char *name, Privilege *privilege);
extern bool operator_parse(const char *name, ScopeOperator *operator);
extern int32 definition_find_set(const char *name);
extern bool definition_has_grant(int32 set_id, Oid object);
extern Definition *definition_read(int32 set_id, Snapshot snapshot);
extern const ObjectGrant *definition_grant(const Definition *definition, Oid object);

#endif							/* SPSA_DEFINITION_H */
