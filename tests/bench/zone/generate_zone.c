// generate-zone [OPTION…] > FILE: a signed test zone; see generate.h.
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/bench/zone/generate.h"

static int usage(void)
{
	fputs("usage: generate-zone [-o ORIGIN] [-n DELEGATIONS] [-p PERCENT-SIGNED] [-3] [-u]\n"
	      "                     [-i ITERATIONS] [-s SALT-OCTETS] [-r SEED] [-t NOW] [-S "
	      "SERIAL]\n"
	      "-3: NSEC3 instead of NSEC; -u: with opt-out. The zone goes to standard output.\n",
	        stderr);
	return 2;
}

int main(int argc, char **argv)
{
	struct zone_generate g = {.origin = "example",
	        .delegations = 1000,
	        .signed_percent = 33,
	        .seed = 1,
	        .now_s = time(NULL),
	        .serial = 1};
	for (int c; (c = getopt(argc, argv, "o:n:p:3ui:s:r:t:S:")) != -1;) {
		if (c == 'o')
			g.origin = optarg;
		else if (c == 'n')
			g.delegations = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == 'p')
			g.signed_percent = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == '3')
			g.nsec3 = true;
		else if (c == 'u')
			g.opt_out = true;
		else if (c == 'i')
			g.iterations = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 's')
			g.salt_octets = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 'r')
			g.seed = strtoull(optarg, NULL, 10);
		else if (c == 't')
			g.now_s = strtoll(optarg, NULL, 10);
		else if (c == 'S')
			g.serial = (uint32_t)strtoul(optarg, NULL, 10);
		else
			return usage();
	}
	if (optind != argc)
		return usage();
	uint64_t signatures;
	if (!zone_generate(&g, stdout, &signatures))
		return 1;
	fprintf(stderr, "%llu signatures\n", (unsigned long long)signatures);
	return 0;
}
