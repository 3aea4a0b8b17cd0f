/* jwt_check.c - what identity/jwt.c says to tokens and key sets, outside the server: for src/test/t/016_jwt_verify.pl.
 *
 * Each line of the standard input is a question, in fields that tabs separate, texts in hexadecimal:
 *
 *     token  ALGORITHMS  AUDIENCE  NOW  SKEW  KEYS  TOKEN      what is wrong with the token, or "ok"
 *     signature  ALGORITHMS  KEYS  TOKEN                       the same, of its header and signature alone
 *     keys  ALGORITHMS  KEYS                                   what is wrong with the key set
 *
 * Each has one line of the standard output as its answer.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "identity/jwt.h"

static Jwt	jwt;
static Jwks jwks;

static int
digit(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* In memory of just the length, so that what is read beyond it is noticed. */
static char *
bytes_of(const char *hex, size_t *length)
{
	char	   *bytes;

	*length = strlen(hex) / 2;
	bytes = malloc(*length > 0 ? *length : 1);
	for (size_t i = 0; i < *length; i++)
		bytes[i] = (char) (digit(hex[2 * i]) * 16 + digit(hex[2 * i + 1]));
	return bytes;
}

static uint32_t
algorithms_of(char *list)
{
	uint32_t	set = 0;

	for (char *name = strtok(list, ","); name != NULL; name = strtok(NULL, ","))
		set |= UINT32_C(1) << jwt_algorithm(name);
	return set;
}

static const char *
answer(char **field)
{
	uint32_t	algorithms = algorithms_of(field[1]);
	int			at = strcmp(field[0], "token") == 0 ? 5 : 2;
	size_t		length;
	char	   *keys = bytes_of(field[at], &length);
	const char *fault = jwks_read(keys, length, &jwks);
	const Jwk  *signed_by;
	char	   *token = NULL;

	if (strcmp(field[0], "keys") == 0)
		fault = fault != NULL ? fault : jwks_check(&jwks, algorithms);
	else if (fault == NULL)
	{
		token = bytes_of(field[at + 1], &length);
		fault = jwt_read(token, length, &jwt);
		if (at == 2)
			fault = jwt_verify(&jwt, &jwks, algorithms, &signed_by);
		else if (fault == NULL && !jwt_claim_has(&jwt, "aud", field[2]))
			fault = "the token is for another audience";
		else if (fault == NULL)
		{
			fault = jwt_time_fault(&jwt, atoll(field[3]), atoll(field[4]));
			if (fault == NULL)
				fault = jwt_verify(&jwt, &jwks, algorithms, &signed_by);
		}
	}
	free(token);
	free(keys);
	return fault == NULL ? "ok" : fault;
}

int
main(void)
{
	char	   *line = NULL;
	size_t		size = 0;

	while (getline(&line, &size, stdin) > 0)
	{
		char	   *field[8] = {NULL};
		char	   *rest = line;

		line[strcspn(line, "\n")] = '\0';
		for (int i = 0; i < 8 && rest != NULL; i++)
			field[i] = strsep(&rest, "\t");
		puts(answer(field));
		fflush(stdout);
	}
	free(line);
	return 0;
}
