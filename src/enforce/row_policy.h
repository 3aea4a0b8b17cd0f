/* row_policy.h - what policies ask. */
#ifndef SPSA_ROW_POLICY_H
#define SPSA_ROW_POLICY_H

extern void row_policy_raise_no_session(void) pg_attribute_noreturn();

#endif							/* SPSA_ROW_POLICY_H */
