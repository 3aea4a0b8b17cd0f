/* function.h - functions of applications: by signature, and which of them can be protected. */
#ifndef SPSA_FUNCTION_H
#define SPSA_FUNCTION_H

/* Why a function cannot be protected. */
typedef struct FunctionFault
{
	const char *what;			/* NULL: it can */
	const char *hint;
} FunctionFault;

extern char *function_signature(Oid function);
extern Oid	function_find(const char *signature);
extern bool function_is_system(Oid function);
extern FunctionFault function_fault(Oid function);

#endif							/* SPSA_FUNCTION_H */
