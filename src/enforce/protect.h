/* protect.h - putting objects under spsa. */
#ifndef SPSA_PROTECT_H
#define SPSA_PROTECT_H

/* Of protect.c */
extern void protect_check_lost_policy(Oid object, const char *policy);
extern char *protect_lock_own(Oid object);
extern char *protect_qualified_name(Oid object);
extern void protect_run_ddl(const char *sql);

/* Of protect_object.c: what is no table */
extern void protect_object(Oid object, int nfields, bool as_restrictive);
extern void protect_object_end(Oid object);
extern void protect_require_preload(const char *name);

#endif							/* SPSA_PROTECT_H */
