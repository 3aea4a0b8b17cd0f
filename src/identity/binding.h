/* binding.h - which session token this backend is bound to. */
#ifndef SPSA_BINDING_H
#define SPSA_BINDING_H

#include "storage/lock.h"

#include "base/crypto.h"

typedef struct Binding
{
	uint64		serial;			/* grows with every binding of the backend */
	LocalTransactionId lxid;	/* transaction that made it */
	uint8_t		hash[CRYPTO_HASH_BYTES];
} Binding;

/* Under which binding something was done. */
typedef struct BindingMark
{
	bool		attached;
	uint8_t		hash[CRYPTO_HASH_BYTES];
} BindingMark;

typedef enum BindingState
{
	BINDING_NONE,				/* no token */
	BINDING_ATTACHED,
	BINDING_VOID				/* a token that gives no authority any more */
} BindingState;

extern void binding_init(void);
extern BindingState binding_current(const Binding **binding);
extern uint64 binding_epoch(void);
extern void binding_set_changed(void (*callback) (void));
extern void binding_mark(BindingMark *mark);
extern bool binding_is_as(const BindingMark *mark);
extern void binding_raise_other(void);
extern void binding_set_known(const char *token, const uint8_t hash[CRYPTO_HASH_BYTES], bool local);
extern void binding_set(const char *token, bool local);
extern void binding_poison(void);
extern void binding_poison_earlier(void);
extern void binding_take_void(void);
extern bool binding_is_local(void);
extern bool binding_is_held(void);
extern void binding_hold(void);
extern void binding_release(void);

#endif							/* SPSA_BINDING_H */
