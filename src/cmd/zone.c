// baton-zone: is a signed zone valid, are two copies of it the same, and what is it like? A program
// of its own, because it is made for zones of millions of names; `baton zone` runs it.
#include <stddef.h>

#include "cmd/program.h"
#include "cmd/zone_commands.h"

static const struct program_command commands[] = {
        {"compare", "is the registered data of two copies of a zone equal?", cmd_zone_compare},
        {"verify", "is it valid: signatures, denial of existence, delegations, digest?",
                cmd_zone_verify},
        {"facts", "TTLs, signers, expiry, and what else a plan needs", cmd_zone_facts},
        {0},
};

int main(int argc, char **argv)
{
	const struct program program = {"baton-zone",
	        "usage: baton-zone COMMAND [OPTION…] ZONE…\n\n"
	        "Whole signed zones, of any size: whether they are valid, and whether they are the "
	        "same.\n\n"
	        "commands:\n",
	        "\n`baton-zone COMMAND --help` explains a command; the manual is in "
	        "baton-zone(1).\n",
	        commands, NULL};
	return program_run(&program, argc, argv);
}
