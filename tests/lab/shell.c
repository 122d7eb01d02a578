#include "shell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <limits.h>
#include <stdio.h>
#include <sys/wait.h>

struct lab *lab;
const char *program;

int shell(const char *format, ...)
{
	struct error err = {0};
	char command[4000], script[4200];
	int status;
	va_list args;
	va_start(args, format);
	vsnprintf(command, sizeof command, format, args);
	va_end(args);
	snprintf(script, sizeof script, "B='%s'; D=\"$BATON_LAB\"; %s", program, command);
	char *argv[] = {(char[]){"sh"}, (char[]){"-c"}, script, NULL};
	if (lab_run_in(lab, argv, 100000, &status, &err) != RESULT_OK)
		fail_msg("%s", err.text);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

const char *path_of(const char *name)
{
	static char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/%s", lab_info(lab)->dir, name);
	return path;
}

char *text_of(const char *name)
{
	static char text[1 << 20];
	FILE *f = fopen(path_of(name), "re");
	assert_non_null(f);
	text[fread(text, 1, sizeof text - 1, f)] = '\0';
	fclose(f);
	return text;
}
