/* approval.h - requests to activate, and what others decide on them. */
#ifndef SPSA_APPROVAL_H
#define SPSA_APPROVAL_H

#include "datatype/timestamp.h"
#include "identity/session.h"

/* An approval that is being used. */
typedef struct Approval
{
	pg_uuid_t	request_id;
	Interval   *duration;		/* NULL: until the session ends */
} Approval;

/* How far the best request of a user has got. */
typedef enum ApprovalState
{
	APPROVAL_NONE,
	APPROVAL_PENDING,
	APPROVAL_READY
} ApprovalState;

extern ApprovalState approval_state(int64 user_id, int32 set_id, int required, int *given);
extern bool approval_use(int64 user_id, int32 set_id, int required, TimestampTz now, TimestampTz beyond, Approval *approval);
extern void approval_link(const Approval *approval, int64 activation_id);
extern TimestampTz approval_until(int64 activation_id);

#endif							/* SPSA_APPROVAL_H */
