// The front of a program with commands: its help, its version, and which command a word means.
//
//     static const struct program_command commands[] = {{"facts", "TTLs, signers, …", cmd_facts}, {0}};
//     const struct program program = {"baton-zone", "usage: …", "… explains a command.", commands};
//     return program_run(&program, argc, argv);
#pragma once

struct program_command {
	const char *name, *about;
	int (*run)(int argc, char **argv); // argv[0] is its name; returns the exit status
};

struct program {
	const char *name;
	const char *head, *tail;                // of the help, before and after the commands
	const struct program_command *commands; // ends with a name of NULL
	// What to try with a word that is no command, before it is refused; may be NULL. Comes back
	// with an exit status, or -1 where it has nothing for it.
	int (*otherwise)(char **argv);
};

// main() of the program: the exit status.
int program_run(const struct program *program, int argc, char **argv);

// A command that has words of its own, `baton lab up`: its name is "lab", its commands are the
// words. argv[0] is the command. The exit status.
int program_words(const struct program *command, int argc, char **argv);
