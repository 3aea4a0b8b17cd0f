/* signal.h - telling every backend that authority changed. */
#ifndef SPSA_SIGNAL_H
#define SPSA_SIGNAL_H

#include "utils/uuid.h"

/* What a cached entry was loaded under. Equal counts: nothing has changed since. */
typedef struct SignalCounts
{
	uint64		definition;
	uint64		session;
	uint64		user;
} SignalCounts;

/* Called with each signal; may do no more than the callback itself. */
typedef void (*SignalListener) (bool everybody, uint32 signal);

extern void signal_init(void);
extern void signal_add_listener(SignalListener listener);
extern void signal_everything(void);
extern uint64 signal_epoch(void);
extern uint32 signal_of_session(const pg_uuid_t *session_id);
extern uint32 signal_of_user(int64 user_id);
extern uint64 signal_definition_count(void);
extern bool signal_definitions_settled(void);
extern uint64 signal_count(uint32 signal);
extern SignalCounts signal_counts(uint32 session_signal, uint32 user_signal);

#endif							/* SPSA_SIGNAL_H */
