/* policy_call.h - the arguments of a call of spsa_allows() or spsa_allows_row(). */
#ifndef SPSA_POLICY_CALL_H
#define SPSA_POLICY_CALL_H

#include "nodes/primnodes.h"

#include "base/compat.h"

#define POLICY_CALL_FIRST_FIELD 2	/* argument number of the first field's
									 * name */

/* A field that the call passes. */
typedef struct PolicyField
{
	char	   *name;
	Oid			type;
	Oid			collation;
	int			argument;		/* number of the value's */
} PolicyField;

typedef struct PolicyCall
{
	int			nfields;
	PolicyField *fields;
} PolicyCall;

extern const char *policy_call_read(const FuncExpr *expression, PolicyCall *call);
extern void policy_call_raise(const char *fault) pg_attribute_noreturn();
extern const PolicyField *policy_call_field(const PolicyCall *call, const char *name, Oid type);

#endif							/* SPSA_POLICY_CALL_H */
