/* protect.h - policies of protected tables. */
#ifndef SPSA_PROTECT_H
#define SPSA_PROTECT_H

extern void protect_check_lost_policy(Oid object, const char *policy);

#endif							/* SPSA_PROTECT_H */
