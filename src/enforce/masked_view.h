/* masked_view.h - views in which fields that cannot be read are null. */
#ifndef SPSA_MASKED_VIEW_H
#define SPSA_MASKED_VIEW_H

#include "utils/relcache.h"

/* What a view's definition says, if it has the one form that masked views have. */
typedef struct MaskedView
{
	Oid			object;			/* the table */
	int			nfields;		/* columns of the view */
	AttrNumber *fields;			/* which columns of the table they show */
} MaskedView;

extern void masked_view_init(void);
extern bool masked_view_is_recorded(Oid view);
extern bool masked_view_read(Relation view, MaskedView *masked);
extern char *masked_view_fault(Oid role);
extern bool masked_view_exempts(Oid role);

#endif							/* SPSA_MASKED_VIEW_H */
