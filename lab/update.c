// Dynamic updates to the parties of the lab, by knsupdate(1), and the variables that scenarios use.
#include "lab.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/template.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

// Variables of a party begin with its name: LOSING_DS.
static void update_set_party(struct template_vars *vars, const struct lab_party *party)
{
	char name[64], prefix[32];
	size_t length = 0;
	for (; party->id[length] != '\0' && length < sizeof(prefix) - 1; length++)
		prefix[length] = (char)toupper((unsigned char)party->id[length]);
	prefix[length] = '\0';
	const char *const value[][2] = {{"KSK", party->ksk}, {"ZSK", party->zsk}, {"DS", party->ds},
	        {"NS1", party->server[0].name}, {"NS2", party->server[1].name},
	        {"PRIMARY_V4", party->server[0].v4}, {"PRIMARY_V6", party->server[0].v6},
	        {"SECONDARY_V4", party->server[1].v4}, {"SECONDARY_V6", party->server[1].v6},
	        {"TSIG", party->tsig_file}, {"KSK_NEW", party->ksk_new},
	        {"ZSK_NEW", party->zsk_new}, {"DS_NEW", party->ds_new},
	        {"SIGNER", party->server[0].software}};
	for (size_t i = 0; i < sizeof(value) / sizeof(value[0]); i++) {
		snprintf(name, sizeof(name), "%s_%s", prefix, value[i][0]);
		if (value[i][1] != NULL)
			template_set(vars, name, value[i][1]);
	}
}

// Since when nothing has changed that a cache could hold: caches were started, empty, when all
// zones had been signed, so that any instant before that is true; the description is written when
// everything answers.
static void update_set_since(struct template_vars *vars, const struct lab_info *info)
{
	char path[4096], at[TIME_TEXT];
	struct stat st;
	snprintf(path, sizeof(path), "%s/lab.yaml", info->dir);
	if (stat(path, &st) == 0)
		template_set(
		        vars, "SINCE", time_format((int64_t)st.st_mtime * SECOND_MS - HOUR_MS, at));
}

static uint32_t update_largest_data_ttl_s(const struct lab_info *info)
{
	static const enum lab_ttl of_data[] = {LAB_TTL_DATA, LAB_TTL_NEGATIVE};
	uint32_t largest_s = 0;
	for (size_t i = 0; i < sizeof(of_data) / sizeof(of_data[0]); i++)
		if (info->ttl_s[of_data[i]] > largest_s)
			largest_s = info->ttl_s[of_data[i]];
	return largest_s;
}

enum result lab_expand(
        const struct lab *lab, struct arena *arena, const char *text, char **out, struct error *err)
{
	static const char *const ttl[LAB_TTL_COUNT] = {"TTL_DS", "TTL_DS_NONE", "TTL_PARENT_NS",
	        "TTL_CHILD_NS", "TTL_DNSKEY", "TTL_DATA", "TTL_NEGATIVE", "TTL_ADDRESS"};
	const struct lab_info *info = lab_info(lab);
	struct template_vars *vars = template_vars_new(arena);
	template_set(vars, "DIR", info->dir);
	template_set(vars, "ZONE", info->zone);
	template_set(vars, "ROOT_V4", info->root.v4);
	template_set(vars, "ROOT_V6", info->root.v6);
	template_set(vars, "ROOT_NS", info->root.name);
	for (int i = 0; i < LAB_PARTIES; i++)
		update_set_party(vars, &info->party[i]);
	for (int i = 0; i < LAB_TTL_COUNT; i++)
		template_setf(vars, ttl[i], "%u", info->ttl_s[i]);
	template_setf(vars, "TTL_LARGEST_DATA", "%u", update_largest_data_ttl_s(info));
	template_setf(vars, "LAST_NAME", "n%06u", info->names);
	update_set_since(vars, info);
	return template_expand(vars, arena, "text", text, out, err);
}

static _Noreturn void update_child(
        const struct lab *lab, const struct lab_party *party, const char *file, int out)
{
	struct error err = {0};
	int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (in < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
		_exit(126);
	if (lab_enter(lab, LAB_ENTER_NET, &err) != RESULT_OK) {
		dprintf(2, "%s", err.text);
		_exit(126);
	}
	execlp("knsupdate", "knsupdate", "-t", "5", "-r", "1", "-k", party->tsig_file, file, NULL);
	dprintf(2, "cannot run knsupdate: %s", strerror(errno));
	_exit(127);
}

// Runs knsupdate with the script in file; what it prints is short.
static enum result update_run(
        const struct lab *lab, const struct lab_party *party, const char *file, struct error *err)
{
	int out[2], status = 0;
	char text[400];
	size_t length = 0;
	if (pipe2(out, O_CLOEXEC) != 0)
		return error_set_errno(err, "cannot make a pipe");
	pid_t pid = fork();
	if (pid == 0)
		update_child(lab, party, file, out[1]);
	close(out[1]);
	ssize_t n = 1;
	while (pid > 0 && length < sizeof(text) - 1 &&
	        (n = read(out[0], text + length, sizeof(text) - 1 - length)) > 0)
		length += (size_t)n;
	close(out[0]);
	text[length] = '\0';
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	while (length > 0 && text[length - 1] == '\n')
		text[--length] = '\0';
	for (char *newline; (newline = strchr(text, '\n')) != NULL;)
		*newline = ';';
	if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 && length == 0)
		return RESULT_OK;
	return error_set(err, RESULT_REFUSED, "update at %s: %s", party->id,
	        length > 0 ? text : "knsupdate failed");
}

enum result lab_update(const struct lab *lab, int index, const char *script, struct error *err)
{
	const struct lab_party *party = &lab_info(lab)->party[index];
	char file[4096];
	snprintf(file, sizeof(file), "%s/update-XXXXXX", lab_info(lab)->dir);
	int fd = mkostemp(file, O_CLOEXEC);
	if (fd < 0)
		return error_set_errno(err, "cannot make a file in %s", lab_info(lab)->dir);
	int n = dprintf(
	        fd, "server %s 53\nzone %s\n%s\nsend\n", party->update, party->zone, script);
	close(fd);
	enum result result = n > 0 ? update_run(lab, party, file, err)
	                           : error_set_errno(err, "cannot write %s", file);
	unlink(file);
	return result;
}
