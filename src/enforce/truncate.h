/* truncate.h - who may empty a protected object. */
#ifndef SPSA_TRUNCATE_H
#define SPSA_TRUNCATE_H

extern void truncate_init(void);
extern void truncate_replace_trigger(Oid table, const char *qualified, bool wanted);
extern void truncate_check_lost_trigger(Oid table, const char *trigger);

#endif							/* SPSA_TRUNCATE_H */
