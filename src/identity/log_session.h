/* log_session.h - user and session on every line that the server logs. */
#ifndef SPSA_LOG_SESSION_H
#define SPSA_LOG_SESSION_H

extern void log_session_init(void);

#endif							/* SPSA_LOG_SESSION_H */
