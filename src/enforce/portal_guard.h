/* portal_guard.h - portals that have stored rows of protected objects. */
#ifndef SPSA_PORTAL_GUARD_H
#define SPSA_PORTAL_GUARD_H

#include "utils/portal.h"

extern void portal_guard_init(void);
extern void portal_guard_note(Portal portal);
extern bool portal_guard_has_rows(void);
extern void portal_guard_close_all(void);
extern void portal_guard_check_fetch(const char *name);

#endif							/* SPSA_PORTAL_GUARD_H */
