/* redact.h - keeping tokens out of logs and of pg_stat_activity. */
#ifndef SPSA_REDACT_H
#define SPSA_REDACT_H

extern void redact_init(void);
extern void redact_activity(void);

#endif							/* SPSA_REDACT_H */
