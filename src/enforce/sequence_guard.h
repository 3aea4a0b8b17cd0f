/* sequence_guard.h - calls of the functions of sequences. */
#ifndef SPSA_SEQUENCE_GUARD_H
#define SPSA_SEQUENCE_GUARD_H

extern void sequence_guard_init(void);

#endif							/* SPSA_SEQUENCE_GUARD_H */
