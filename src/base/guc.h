/* guc.h - settings. */
#ifndef SPSA_GUC_H
#define SPSA_GUC_H

typedef enum SharePlans
{
	SHARE_PLANS_AUTO,
	SHARE_PLANS_ON,
	SHARE_PLANS_OFF
} SharePlans;

typedef enum SessionLimitAction
{
	SESSION_LIMIT_REFUSE,
	SESSION_LIMIT_END_OLDEST
} SessionLimitAction;

extern bool guc_require_session;
extern bool guc_require_local_attach;
extern bool guc_notify_events;
extern bool guc_log_session;
extern int	guc_session_cache_size;
extern int	guc_share_plans;
extern int	guc_session_limit;
extern int	guc_session_limit_action;
extern char *guc_encryption_key_file;
extern int	guc_totp_enroll_window;

extern void guc_init(void);
extern void guc_reserve(void);

#endif							/* SPSA_GUC_H */
