/* log_session.h - user and session on every line that the server logs. */
#ifndef SPSA_LOG_SESSION_H
#define SPSA_LOG_SESSION_H

#include <stdint.h>

#define LOG_SESSION_PREFIX "spsa"
#define LOG_SESSION_SIZE 2048	/* two names of which every byte is escaped,
								 * and more */

extern void log_session_init(void);
extern bool log_session_line(const uint8_t *hash, char line[LOG_SESSION_SIZE]);

#endif							/* SPSA_LOG_SESSION_H */
