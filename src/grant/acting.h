/* acting.h - who acts, and what is in effect then. */
#ifndef SPSA_ACTING_H
#define SPSA_ACTING_H

#include "identity/session.h"

extern void acting_init(void);
extern List *acting_sets(const SessionEntry *entry);

#endif							/* SPSA_ACTING_H */
