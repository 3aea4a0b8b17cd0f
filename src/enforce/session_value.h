/* session_value.h - attributes of the session at run time. */
#ifndef SPSA_SESSION_VALUE_H
#define SPSA_SESSION_VALUE_H

#include "identity/session.h"

/* The session that a running plan was started under, told by the executor guard; NULL: none runs. */
extern SessionEntry *session_value_running;

#endif							/* SPSA_SESSION_VALUE_H */
