/* function_guard.h - checks each call of a protected function. */
#ifndef SPSA_FUNCTION_GUARD_H
#define SPSA_FUNCTION_GUARD_H

extern void function_guard_init(void);

#endif							/* SPSA_FUNCTION_GUARD_H */
