// baton check: timelines and procedures, judged.
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/json.h"
#include "base/yaml.h"
#include "change/library.h"
#include "cmd/check_procedure.h"
#include "cmd/commands.h"
#include "cmd/options.h"
#include "safety/timeline.h"

static const char about[] = "Judges each FILE: a timeline (what publishers served and when) or a "
                            "procedure (who does what, in which\n"
                            "order). Every resolver counts: validating ones that ask directly, "
                            "validators behind caches that do not\n"
                            "validate, child- and parent-centric, strict and lenient about "
                            "algorithms; every propagation delay is\n"
                            "chosen by an adversary within the file's bounds. What is unsafe is "
                            "explained by the cached record that\n"
                            "contradicts what is served.";

static const char more[] = "exit status:\n"
                           "  0  every file is safe, or as its `expect` says\n"
                           "  1  some file is not\n"
                           "  2  some file cannot be used (the others are judged all the same)\n\n"
                           "examples:\n"
                           "  baton check outage.yaml\n"
                           "  baton check ksk-rollover\n"
                           "  baton check --json tests/cases/timelines/*.yaml | jq .witness";

static void write_fault(
        const struct timeline *tl, const struct safety_verdict *v, int path, struct buffer *out)
{
	if (v->path[path].word != SAFETY_SAFE)
		safety_fault_text(&tl->history, &v->path[path].fault, SAFETY_TIME_RELATIVE, out);
}

static json_t *witness_json(const struct timeline *tl, const struct safety_verdict *v, int path)
{
	const struct safety_fault *f = &v->path[path].fault;
	struct buffer text = buffer_init(16384);
	write_fault(tl, v, path, &text);
	json_t *w = json_pack("{s:s, s:s, s:s, s:I}", "reader",
	        safety_path_text((enum safety_path)path), "rule", safety_rule_text(f->rule), "text",
	        buffer_text(&text), "at_ms", (json_int_t)f->at_ms);
	buffer_free(&text);
	if (f->until_ms != TIME_NEVER_MS)
		json_object_set_new(w, "until_ms", json_integer(f->until_ms));
	if (f->cached >= 0) {
		const struct safety_edition *e = &tl->history.editions[f->cached];
		json_t *cached = json_pack("{s:s, s:s}", "publisher",
		        safety_publisher_name(&tl->history, e->publisher), "kind",
		        safety_kind_text((enum safety_kind)e->kind));
		if (f->cached_fetch_ms != TIME_NEVER_MS)
			json_object_set_new(
			        cached, "fetched_before_ms", json_integer(f->cached_fetch_ms));
		if (f->cached_until_ms != TIME_NEVER_MS)
			json_object_set_new(
			        cached, "usable_until_ms", json_integer(f->cached_until_ms));
		json_object_set_new(w, "cached", cached);
	}
	return w;
}

static void print_json(
        const char *file, const struct timeline *tl, const struct safety_verdict *v, bool ok)
{
	int worst = v->path[SAFETY_FORWARDER].word > v->path[SAFETY_DIRECT].word ? SAFETY_FORWARDER
	                                                                         : SAFETY_DIRECT;
	json_t *line = json_pack("{s:s, s:o, s:s, s:s, s:s, s:b}", "name", tl->name, "file",
	        json_text(file), "kind", "timeline", "direct",
	        safety_word_text(v->path[SAFETY_DIRECT].word), "forwarder",
	        safety_word_text(v->path[SAFETY_FORWARDER].word), "ok", ok);
	json_object_set_new(line, "witness",
	        v->path[worst].word == SAFETY_SAFE ? json_null() : witness_json(tl, v, worst));
	if (v->path[worst].insecure_ms > 0)
		json_object_set_new(line, "insecure_ms", json_integer(v->path[worst].insecure_ms));
	json_dumpf(line, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(line);
}

// A name is one line, whatever the file says.
static void print_name(const char *name)
{
	for (; *name != '\0'; name++)
		putchar((unsigned char)*name < 0x20 ? '?' : *name);
}

static void print_text(
        const struct timeline *tl, const struct safety_verdict *v, bool ok, bool expects)
{
	const char *direct = safety_word_text(v->path[SAFETY_DIRECT].word);
	const char *forwarder = safety_word_text(v->path[SAFETY_FORWARDER].word);
	print_name(tl->name);
	printf(": %s", direct);
	if (strcmp(direct, forwarder) != 0)
		printf(", %s behind a cache without validation", forwarder);
	puts(expects ? (ok ? " (as expected)" : " (NOT as expected)") : "");
	struct buffer first = buffer_init(16384);
	for (int path = 0; path < SAFETY_PATHS; path++) {
		struct buffer text = buffer_init(16384);
		write_fault(tl, v, path, &text);
		if (text.length > 0 && strcmp(buffer_text(&text), buffer_text(&first)) != 0)
			printf("  %s\n", buffer_text(&text));
		if (path == SAFETY_DIRECT)
			buffer_puts(&first, buffer_text(&text));
		buffer_free(&text);
	}
	buffer_free(&first);
}

static int judge_timeline(
        struct arena *arena, const char *file, const struct yaml_node *root, bool json)
{
	struct timeline tl;
	struct error err = {0};
	struct safety_verdict v;
	if (timeline_from_yaml(arena, root, &tl, &err) != RESULT_OK)
		return usage_error("%s", err.text);
	if (safety_judge(&tl.history, &tl.readers, 0, tl.until_ms, &v) != RESULT_OK) {
		timeline_free(&tl);
		return usage_error("%s: no memory to judge it", file);
	}
	bool expects = tl.has_expect[0] || tl.has_expect[1], ok = true;
	for (int path = 0; path < SAFETY_PATHS; path++)
		ok = ok &&
		     v.path[path].word == (tl.has_expect[path] ? tl.expect[path] : SAFETY_SAFE);
	if (json)
		print_json(file, &tl, &v, ok);
	else
		print_text(&tl, &v, ok, expects);
	timeline_free(&tl);
	return ok ? EXIT_SAFE : EXIT_NO;
}

// A word that is no file is a name in the library.
static enum result find_file(
        struct arena *arena, const char *word, const char **path, struct error *err)
{
	*path = word;
	return access(word, F_OK) == 0 ? RESULT_OK : library_path(arena, word, path, err);
}

static int check_file(const char *word, const struct check_options *options)
{
	struct arena *arena = arena_new(256u << 20);
	const struct yaml_node *root;
	const char *file;
	struct error err = {0};
	int status;
	if (arena == NULL || find_file(arena, word, &file, &err) != RESULT_OK ||
	        library_read(arena, file, &root, &err) != RESULT_OK)
		status = usage_error("%s", arena == NULL ? "out of memory" : err.text);
	else if (yaml_get(root, "procedure") != NULL)
		status = check_file_procedure(arena, file, root, options);
	else
		status = judge_timeline(arena, file, root, options->json);
	arena_free(arena);
	return status;
}

int cmd_check(int argc, char **argv)
{
	struct check_options options = {0};
	const struct option_spec specs[] = {
	        {"--json", NULL, "one JSON object a line, with name, direct, forwarder, witness",
	                .flag = &options.json},
	        {"--ttl", "LIST",
	                "for procedures: ds=1d,parent-ns=2d,child-ns=1h,dnskey=1h,data=1d",
	                .text = &options.ttls},
	        {"--lag", "LIST", "for procedures: parent=6h,child=10m", .text = &options.lags},
	        {0},
	};
	const struct command_help help = {"baton check [OPTION…] FILE…", about, specs, more};
	int status = 0, worst = 0;
	int n = options_parse(&help, argc, argv, &status);
	if (n < 0)
		return status;
	if (n == 0)
		return usage_error("check: no file given; --help explains");
	for (int i = 0; i < n; i++) {
		status = check_file(argv[i], &options);
		worst = status > worst ? status : worst;
	}
	return output_end(worst);
}
