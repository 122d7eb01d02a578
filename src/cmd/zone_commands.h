// The commands of baton-zone. Each gets its own name as argv[0] and returns the exit status.
#pragma once

int cmd_zone_compare(int argc, char **argv);
int cmd_zone_facts(int argc, char **argv);
int cmd_zone_verify(int argc, char **argv);
