// A command for each request.
#include "act/exec.h"

#include "act/internal.h"
#include "base/arena.h"
#include "base/buffer.h"
#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { INPUT_MAX = 1u << 20, EXEC_ARENA = 1u << 20, WORDS_MAX = 256, OURS = 3 };

struct errand;

struct exec {
	struct act act;
	struct arena *arena; // of the options
	struct loop *loop;
	const char **argv, **environment; // copies; the environment with room for OURS more
	size_t environment_count;
	const char *directory;
	int64_t timeout_ms;
	struct errand *errands;
};

struct errand {
	struct exec *exec;
	struct errand *next, **link;
	struct loop_process *process;
	act_ended *ended;
	void *ctx;
};

static void errand_free(struct errand *errand)
{
	*errand->link = errand->next;
	if (errand->next != NULL)
		errand->next->link = errand->link;
	free(errand);
}

// The first line, without control characters, that a command wrote to its standard error.
static void first_line(const char *err, size_t octets, char *line, size_t room)
{
	size_t n = 0;
	for (size_t i = 0; i < octets && n + 1 < room; i++) {
		unsigned char c = (unsigned char)err[i];
		if (c == '\n' && n > 0)
			break;
		// Texts go into JSON, so nothing but ASCII.
		if (c >= 0x20 && c < 0x7f)
			line[n++] = (char)c;
		else if (c != '\n' && c != '\r')
			line[n++] = '?';
	}
	line[n] = '\0';
}

static void judge(
        const struct exec *exec, const struct loop_process_end *end, struct act_outcome *outcome)
{
	char line[240], after[DURATION_TEXT];
	const char *command = exec->argv[0];
	size_t room = sizeof outcome->text;
	first_line(end->err, end->err_octets, line, sizeof line);
	const char *colon = line[0] != '\0' ? ": " : "";
	if (end->timed_out) {
		outcome->word = ACT_UNKNOWN;
		snprintf(outcome->text, room, "%.100s was killed after %s%s%s", command,
		        duration_format(exec->timeout_ms, after), colon, line);
	} else if (end->exit_code == 0) {
		outcome->word = ACT_DONE;
		snprintf(outcome->text, room, "%.100s says that it made the change", command);
	} else if (end->exit_code == EX_TEMPFAIL) {
		outcome->word = ACT_UNKNOWN;
		snprintf(outcome->text, room, "%.100s does not know what became of it%s%s", command,
		        colon, line);
	} else if (end->exit_code < 0) {
		outcome->word = ACT_UNKNOWN;
		snprintf(outcome->text, room, "%.100s was ended by signal %d%s%s", command,
		        end->signal, colon, line);
	} else {
		outcome->word = ACT_REFUSED;
		snprintf(outcome->text, room, "%.100s refused with exit status %d%s%s", command,
		        end->exit_code, colon, line);
	}
}

static void ended(void *ctx, const struct loop_process_end *end)
{
	struct errand *errand = ctx;
	struct clock clock = loop_clock(errand->exec->loop);
	struct act_outcome outcome = {
	        .at_ms = clock_now_ms(&clock), .reply = end->out, .reply_octets = end->out_octets};
	judge(errand->exec, end, &outcome);
	act_ended *tell = errand->ended;
	void *tell_ctx = errand->ctx;
	errand_free(errand);
	tell(tell_ctx, &outcome);
}

static enum result input_make(const struct exec *exec, const struct act_request *request,
        struct buffer *input, struct error *err)
{
	json_t *json;
	enum result result = act_describe(&exec->act, request, &json, err);
	if (result != RESULT_OK)
		return result;
	result = json_write_canonical(json, input, err);
	json_decref(json);
	buffer_puts(input, "\n");
	if (result == RESULT_OK && input->failed)
		result = error_set(err, RESULT_LIMIT, "the request is too large for a command");
	return result;
}

static const char *variable(struct arena *arena, const char *name, const char *value)
{
	return arena_printf(arena, "%s=%s", name, value != NULL ? value : "");
}

static enum result start(
        struct errand *errand, const struct act_request *request, struct error *err)
{
	struct exec *exec = errand->exec;
	struct buffer input = buffer_init(INPUT_MAX);
	struct arena *arena = arena_new(EXEC_ARENA);
	const char **environment = arena != NULL
	                                   ? arena_array(arena, exec->environment_count + OURS + 1,
	                                             sizeof *environment)
	                                   : NULL;
	enum result result = environment != NULL ? input_make(exec, request, &input, err)
	                                         : error_set(err, RESULT_MEMORY, "out of memory");
	if (result == RESULT_OK) {
		size_t n = exec->environment_count;
		memcpy(environment, exec->environment, n * sizeof *environment);
		environment[n] = variable(arena, "BATON_ZONE", request->zone);
		environment[n + 1] = variable(arena, "BATON_CHANGE", request->change);
		environment[n + 2] = variable(arena, "BATON_STEP", request->step);
		if (environment[n] == NULL || environment[n + 1] == NULL ||
		        environment[n + 2] == NULL)
			result = error_set(err, RESULT_MEMORY, "out of memory");
	}
	if (result == RESULT_OK) {
		struct loop_process_spec spec = {.argv = exec->argv,
		        .environment = environment,
		        .directory = exec->directory,
		        .input = input.data,
		        .input_octets = input.length,
		        .timeout_ms = exec->timeout_ms,
		        .max_output = ACT_EXEC_OUTPUT_MAX};
		result = loop_spawn(exec->loop, &spec, ended, errand, &errand->process, err);
	}
	buffer_free(&input);
	arena_free(arena);
	return result;
}

static enum result exec_submit(struct act *act, const struct act_request *request, act_ended *tell,
        void *ctx, struct error *err)
{
	struct exec *exec = (struct exec *)act;
	struct errand *errand = calloc(1, sizeof *errand);
	if (errand == NULL)
		return error_set(err, RESULT_MEMORY, "out of memory");
	*errand = (struct errand){.exec = exec,
	        .next = exec->errands,
	        .link = &exec->errands,
	        .ended = tell,
	        .ctx = ctx};
	if (errand->next != NULL)
		errand->next->link = &errand->next;
	exec->errands = errand;
	enum result result = start(errand, request, err);
	if (result != RESULT_OK)
		errand_free(errand);
	return result;
}

// Of the environment only the names: the values may be secrets. Arguments are not for secrets:
// every user of the machine can see them.
static void exec_describe(const struct act *act, json_t **object)
{
	const struct exec *exec = (const struct exec *)act;
	json_t *argv = json_array(), *names = json_array();
	for (size_t i = 0; exec->argv[i] != NULL; i++)
		json_array_append_new(argv, json_string(exec->argv[i]));
	for (size_t i = 0; i < exec->environment_count; i++) {
		const char *one = exec->environment[i];
		json_array_append_new(names, json_stringn(one, strcspn(one, "=")));
	}
	act_put(object, "command", argv);
	act_put(object, "environment", names);
}

static void exec_free(struct act *act)
{
	struct exec *exec = (struct exec *)act;
	for (struct errand *errand = exec->errands, *next; errand != NULL; errand = next) {
		next = errand->next;
		loop_process_kill(errand->process);
		errand_free(errand);
	}
	arena_free(exec->arena);
}

static size_t word_count(const char *const *words)
{
	size_t n = 0;
	while (words != NULL && n <= WORDS_MAX && words[n] != NULL)
		n++;
	return n;
}

static enum result options_check(const struct act_exec *options, struct error *err)
{
	size_t words = word_count(options->argv), variables = word_count(options->environment);
	if (words == 0 || options->argv[0][0] != '/')
		return error_set(err, RESULT_INPUT, "a command is given by its absolute path");
	if (words > WORDS_MAX || variables > WORDS_MAX)
		return error_set(err, RESULT_LIMIT,
		        "a command with more than %d arguments or variables", WORDS_MAX);
	if (options->timeout_ms <= 0)
		return error_set(err, RESULT_INPUT, "a command needs a timeout");
	for (size_t i = 0; i < variables; i++) {
		const char *one = options->environment[i];
		if (one[0] == '=' || strchr(one, '=') == NULL)
			return error_set(err, RESULT_INPUT, "a variable is given as NAME=value");
		if (strncmp(one, "BATON_", 6) == 0)
			return error_set(err, RESULT_INPUT,
			        "variables beginning with BATON_ are not for the file");
	}
	return RESULT_OK;
}

static const char **words_copy(struct arena *arena, const char *const *words, size_t count)
{
	const char **copy = arena_array(arena, count + 1, sizeof *copy);
	for (size_t i = 0; copy != NULL && i < count; i++) {
		copy[i] = arena_strdup(arena, words[i]);
		if (copy[i] == NULL)
			return NULL;
	}
	return copy;
}

enum result act_exec_new(const struct act_exec *options, struct act **act, struct error *err)
{
	static const struct act_ops ops = {"exec", exec_describe, exec_submit, exec_free};
	enum result result = options_check(options, err);
	if (result != RESULT_OK)
		return result;
	struct arena *arena = arena_new(EXEC_ARENA);
	struct exec *exec = arena != NULL ? arena_alloc(arena, sizeof *exec) : NULL;
	if (exec == NULL) {
		arena_free(arena);
		return error_set(err, RESULT_MEMORY, "out of memory");
	}
	exec->act.ops = &ops;
	exec->arena = arena;
	exec->loop = options->loop;
	exec->timeout_ms = options->timeout_ms;
	exec->environment_count = word_count(options->environment);
	exec->argv = words_copy(arena, options->argv, word_count(options->argv));
	exec->environment = words_copy(arena, options->environment, exec->environment_count);
	exec->directory =
	        arena_strdup(arena, options->directory != NULL ? options->directory : "/");
	if (exec->argv == NULL || exec->environment == NULL || exec->directory == NULL) {
		arena_free(arena);
		return error_set(err, RESULT_MEMORY, "out of memory");
	}
	*act = &exec->act;
	return RESULT_OK;
}
