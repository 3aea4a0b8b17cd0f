/* compat.h - the one place that knows PostgreSQL versions.
 *
 * Supported and tested: 15. Whatever a later major changes is bridged here, each bridge naming the change.
 */
#ifndef SPSA_COMPAT_H
#define SPSA_COMPAT_H

#if PG_VERSION_NUM < 150000 || PG_VERSION_NUM >= 160000
#error "spsa supports PostgreSQL 15"
#endif

/* systable_inplace_update_begin() came with the fixes of November 2024. */
#if PG_VERSION_NUM < 150009
#error "spsa needs PostgreSQL 15.9 or a later minor release"
#endif

#endif							/* SPSA_COMPAT_H */
