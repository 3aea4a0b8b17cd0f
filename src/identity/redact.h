/* redact.h - keeping tokens and codes out of logs and of pg_stat_activity. */
#ifndef SPSA_REDACT_H
#define SPSA_REDACT_H

#include <stddef.h>

extern void redact_init(void);
extern void redact_name(char *string);
extern void redact_activity(void);
extern void redact_message(void);
extern void redact_code(const char *code, size_t len);

#endif							/* SPSA_REDACT_H */
