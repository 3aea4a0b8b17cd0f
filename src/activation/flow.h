/* flow.h - named activation flows. */
#ifndef SPSA_FLOW_H
#define SPSA_FLOW_H

#include "nodes/pg_list.h"

typedef struct FlowStep
{
	int32		position;
	bool		activates;		/* otherwise it deactivates */
	int32		set_id;
	char	   *set_name;
} FlowStep;

/* A flow as it is now. */
typedef struct Flow
{
	int32		flow_id;
	char	   *name;
	bool		is_active;
	char	   *criterion;		/* signature; NULL: none */
	int32		allowed_set;	/* 0: none */
	bool		run_at_open;
	List	   *steps;			/* of FlowStep *, in order */
} Flow;

extern void flow_init(void);
extern Flow *flow_read(const char *name);
extern List *flow_names_at_open(void);
extern Oid	flow_criterion_function(const Flow *flow);

#endif							/* SPSA_FLOW_H */
