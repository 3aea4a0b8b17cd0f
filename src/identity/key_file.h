/* key_file.h - the keys under which secrets are kept. */
#ifndef SPSA_KEY_FILE_H
#define SPSA_KEY_FILE_H

#include "identity/keyring.h"

extern void key_file_read(const char *key_id, KeyringKey *key);

#endif							/* SPSA_KEY_FILE_H */
