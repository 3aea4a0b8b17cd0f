/* driver.c - runs a target of libFuzzer's form without libFuzzer: each file of a corpus, and mutations of them that are the same
 * in every run.
 *
 *     driver RUNS FILE...
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BYTES 40000

extern int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t state = 88172645463325252u;

/* xorshift64 */
static size_t
chance(size_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return n == 0 ? 0 : (size_t) (state % n);
}

typedef struct Input
{
	size_t		n;
	uint8_t		bytes[MAX_BYTES];
} Input;

/* In memory of just the length, so that what is read beyond it is noticed. */
static void
run(const Input *input)
{
	uint8_t    *copy = malloc(input->n > 0 ? input->n : 1);

	memcpy(copy, input->bytes, input->n);
	(void) LLVMFuzzerTestOneInput(copy, input->n);
	free(copy);
}

static void
cut(Input *input, size_t at, size_t n)
{
	memmove(input->bytes + at, input->bytes + at + n, input->n - at - n);
	input->n -= n;
}

static void
insert(Input *input, size_t at, const uint8_t *bytes, size_t n)
{
	if (input->n + n > MAX_BYTES)
		return;
	memmove(input->bytes + at + n, input->bytes + at, input->n - at);
	memmove(input->bytes + at, bytes, n);
	input->n += n;
}

/* The first byte says what the input is, and stays. */
static void
mutate(Input *input, const Input *other)
{
	static const char *const words[] = {
		"\"", "\\", "\\u0000", "\\ud800", "\\ud834\\udd1e", "{", "}", "[", "]", ",", ":", ".", "..", "=", "0", "-1", "1e9", "true", "null",
		"\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff", "\x01", "\"alg\":\"none\"", "\"crit\":[\"exp\"]", "\"kid\":\"h\"",
		"\"exp\":1", "99999999999999999999", "[[[[[[[[[[[[[[[[[["
	};
	size_t		at = 1 + chance(input->n);
	size_t		n = 1 + chance(8);
	const char *word = words[chance(sizeof(words) / sizeof(words[0]))];

	if (at >= input->n)
		at = input->n;
	switch (chance(6))
	{
		case 0:
			if (at < input->n)
				input->bytes[at] ^= (uint8_t) (1 << chance(8));
			break;
		case 1:
			if (at < input->n)
				input->bytes[at] = (uint8_t) chance(256);
			break;
		case 2:
			if (at + n <= input->n)
				cut(input, at, n);
			break;
		case 3:
			insert(input, at, (const uint8_t *) word, strlen(word));
			break;
		case 4:
			if (at + n * 8 <= input->n)
				insert(input, at, input->bytes + at, n * 8);
			break;
		case 5:
			n = chance(other->n);
			insert(input, at, other->bytes + n, chance(other->n - n));
			break;
	}
}

int
main(int argc, char **argv)
{
	long		runs = argc > 2 ? atol(argv[1]) : -1;
	int			n = argc - 2;
	Input	   *corpus = malloc(sizeof(Input) * (n > 0 ? n : 1));
	static Input input;

	if (runs < 0)
	{
		fprintf(stderr, "usage: driver RUNS FILE...\n");
		return 2;
	}
	for (int i = 0; i < n; i++)
	{
		FILE	   *file = fopen(argv[i + 2], "rb");

		if (file == NULL)
		{
			perror(argv[i + 2]);
			return 2;
		}
		corpus[i].n = fread(corpus[i].bytes, 1, MAX_BYTES, file);
		fclose(file);
		run(&corpus[i]);
	}
	for (long i = 0; i < runs; i++)
	{
		const Input *seed = &corpus[chance(n)];

		input.n = seed->n;
		memcpy(input.bytes, seed->bytes, seed->n);
		for (size_t times = 1 + chance(4); times > 0 && input.n > 0; times--)
			mutate(&input, &corpus[chance(n)]);
		run(&input);
	}
	printf("%d files, %ld runs\n", n, runs);
	free(corpus);
	return 0;
}
