/* explain.h - why something is allowed, or is not. */
#ifndef SPSA_EXPLAIN_H
#define SPSA_EXPLAIN_H

#include "fmgr.h"
#include "utils/jsonb.h"

#include "activation/activate.h"
#include "enforce/policy_call.h"
#include "grant/protection.h"
#include "grant/shape.h"

/* About whom. */
typedef enum ExplainSubject
{
	EXPLAIN_OWN,				/* the attached session */
	EXPLAIN_SESSION,			/* somebody else's */
	EXPLAIN_USER				/* a user, in a session that nobody has */
} ExplainSubject;

/* Order of the rows. */
typedef enum ExplainRank
{
	RANK_VERDICT,
	RANK_CIRCUMSTANCE,
	RANK_EFFECTIVE,
	RANK_NO_ROW,
	RANK_READY,					/* to be activated at once */
	RANK_NOT_ACTIVE,
	RANK_EXCLUDED,
	RANK_NO_SCOPE,
	RANK_MUTED,
	RANK_NOT_GRANTED,
	RANK_ASSIGNMENT,			/* is over, or to come */
	RANK_NOT_ALLOWED,
	RANK_NOT_ASSIGNED,
	RANK_MORE
} ExplainRank;

/* A row of the result. NULL: as in SQL. */
typedef struct ExplainRow
{
	ExplainRank rank;
	const char *set_name;
	const char *via;
	const char *grants;
	const char *state;
	TimestampTz until;			/* 0: null; DT_NOEND: never */
	char	   *lacks;
	char	   *predicate;
	bool		has_match;
	bool		matches;
	char	   *remedy;
	bool		in_vain;		/* it would reach no row */
} ExplainRow;

typedef struct Explanation
{
	/* what is asked */
	Oid			object;
	Privilege	privilege;
	char	   *field;			/* NULL: about the object */
	Question	question;
	Jsonb	   *row_values;		/* NULL: none */
	/* about whom, for whom */
	ExplainSubject subject;
	SessionState state;
	SessionEntry *entry;		/* pinned; NULL: none */
	bool		full;			/* for an administrator */
	ActivationActor actor;
	Oid			role;			/* that runs the session's statements, or
								 * InvalidOid */
	TimestampTz now;
	/* of the object */
	bool		is_table;
	bool		is_protected;
	bool		protects_field;
	Oid			root;			/* whose permissions count */
	Oid			field_object;	/* where those of the field stand */
	AttrNumber	field_number;
	PolicyCall	call;			/* fields that the policy passes */
	AttrNumber *columns;		/* their columns */
	bool		has_policy;
	bool		restrictive;	/* the policy is */
	bool		enabled;		/* row-level security is */
	bool		forced;
	FunctionCallInfo row;		/* the values, as the policy would pass them;
								 * NULL: none */
	char	   *regclass;		/* literal of the object whose permissions
								 * count */
	char	   *schema;			/* of the functions, quoted */
	/* the result */
	List	   *rows;			/* of ExplainRow * */
} Explanation;

#define EXPLAIN_MAX_ROWS 1000
#define EXPLAIN_MAX_UNASSIGNED 100
#define EXPLAIN_MAX_TEXT 1000	/* bytes */

/* Of explain.c */
extern ExplainRow *explain_add(Explanation *ex, ExplainRank rank, const char *state, char *lacks);
extern char *explain_call(const Explanation *ex, const char *function, const char *arguments);
extern char *explain_clip(char *text);

/* Of explain_row.c: the row predicate */
extern void explain_read_policy(Explanation *ex);
extern void explain_read_row(Explanation *ex);
extern char *explain_predicate(const Explanation *ex, const ShapeArm *arm, const ObjectGrant *grant);
extern char *explain_no_row(const Explanation *ex, const ShapeArm *arm, const ObjectGrant *grant, char **remedy);
extern bool explain_arm_is_usable(const Explanation *ex, const ShapeArm *arm);
extern bool explain_arm_holds(const Explanation *ex, const ShapeArm *arm);

/* Of explain_path.c: what each set lacks */
extern void explain_paths(Explanation *ex);

/* Of explain_need.c: what an activation needs */
extern void explain_standing(const Explanation *ex, const SetState *set, ExplainRow *row);
extern const char *explain_name(const Explanation *ex, const SetState *set);

#endif							/* SPSA_EXPLAIN_H */
