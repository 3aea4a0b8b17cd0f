/* break_glass.h - activations without approval, to be reviewed. */
#ifndef SPSA_BREAK_GLASS_H
#define SPSA_BREAK_GLASS_H

#include "datatype/timestamp.h"
#include "utils/uuid.h"

typedef struct BreakGlass
{
	const pg_uuid_t *session_id;
	int64		user_id;
	const char *user_name;
	int32		set_id;
	const char *set_name;
	int64		activation_id;
	const char *reason;
	TimestampTz expires_at;
} BreakGlass;

extern void break_glass_record(const BreakGlass *what);

#endif							/* SPSA_BREAK_GLASS_H */
