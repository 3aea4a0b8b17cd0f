/* suppose.h - what a session could do if sets were activated. */
#ifndef SPSA_SUPPOSE_H
#define SPSA_SUPPOSE_H

#include "grant/effective.h"

/* Both are good as long as the memory context that they were made in. */
typedef struct Supposition
{
	SessionEntry *present;		/* as it is */
	SessionEntry *supposed;		/* as it would be */
} Supposition;

extern bool suppose_begin(const pg_uuid_t *session_id, Supposition *supposition);
extern void suppose_activation(Supposition *supposition, int32 set_id);

#endif							/* SPSA_SUPPOSE_H */
