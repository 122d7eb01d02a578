#include "servers.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#define KNOTD "/usr/sbin/knotd"
#define NAMED "/usr/sbin/named"

static const char knot_configuration[] =
        "server:\n"
        "  listen: [ \"%s\"%s ]\n  rundir: %s\n"
        "  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\n"
        "log:\n  - target: stdout\n    any: warning\n"
        "database:\n  storage: %s\n"
        "key:\n  - id: updater.\n    algorithm: hmac-sha256\n"
        "    secret: c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTEyMzQ=\n"
        "  - id: reader.\n    algorithm: hmac-sha256\n"
        "    secret: b3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZXItMTI=\n"
        "acl:\n  - id: update\n    key: updater.\n    action: update\n"
        "policy:\n  - id: own\n    algorithm: ecdsap256sha256\n    dnskey-ttl: 120\n"
        "    zone-max-ttl: 300\n    propagation-delay: 5\n"
        "    dnskey-management: incremental\n    delete-delay: 1d\n"
        "    cds-cdnskey-publish: none\n%s"
        "template:\n  - id: default\n    storage: %s\n    zonefile-sync: -1\n"
        "    zonefile-load: whole\n    acl: update\n"
        "zone:\n  - domain: %s\n    file: zone\n    dnssec-signing: on\n"
        "    dnssec-policy: own\n";

static const char named_configuration[] =
        "key \"updater\" { algorithm hmac-sha256;"
        " secret \"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTEyMzQ=\"; };\n"
        "key \"reader\" { algorithm hmac-sha256;"
        " secret \"b3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZXItMTI=\"; };\n"
        "controls { };\n"
        "options { directory \"%s\"; pid-file none; lock-file none;\n"
        " session-keyfile \"%s/session.key\"; managed-keys-directory \"%s\";\n"
        " listen-on port %u { %s; }; listen-on-v6 { none; };\n"
        " recursion no; dnssec-validation no; minimal-responses yes;\n"
        " allow-transfer { none; }; notify no; empty-zones-enable no; };\n"
        "dnssec-policy \"own\" { keys { ksk lifetime unlimited algorithm ecdsap256sha256;\n"
        " zsk lifetime unlimited algorithm ecdsap256sha256; }; dnskey-ttl 120;\n"
        " max-zone-ttl 300; publish-safety 1; retire-safety 1; };\n"
        "zone \"example.test\" { type primary; file \"zone\"; dnssec-policy \"own\";\n"
        " inline-signing no; update-policy { grant updater subdomain example.test ANY; }; };\n";

static const char parent_zone[] =
        "$ORIGIN test.\n$TTL 240\n"
        "@ 60 SOA ns.test. hostmaster.test. 1 300 60 1209600 30\n"
        "@ NS ns.test.\nns A 127.77.1.1\n"
        "example 180 NS ns1.a.test.\nexample 180 NS ns2.a.test.\n"
        "ns1.a 90 A 127.77.1.2\nns2.a 90 AAAA ::1\nns1.b 90 A 127.0.0.1\n";

static const char child_zone[] = "$ORIGIN example.test.\n$TTL 70\n"
                                 "@ 60 SOA ns1.%s.test. hostmaster.test. 1 300 60 1209600 30\n"
                                 "@ 100 NS ns1.%s.test.\n%s"
                                 "www A 192.0.2.80\nmail 200 A 192.0.2.81\n";

static bool write_file(const char *folder, const char *name, const char *text)
{
	char path[300];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *file = fopen(path, "w");
	if (file == NULL)
		return false;
	bool written = fputs(text, file) >= 0;
	return fclose(file) == 0 && written;
}

static void remove_folder(const char *path)
{
	DIR *folder = opendir(path);
	struct dirent *entry;
	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		char name[600];
		snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (unlink(name) != 0)
			remove_folder(name);
	}
	if (folder != NULL)
		closedir(folder);
	rmdir(path);
}

static bool port_is_free(const struct address *address)
{
	struct sockaddr_storage storage;
	socklen_t length = address_to_sockaddr(address, &storage);
	bool is_free = true;
	for (int i = 0; i < 2; i++) {
		int fd =
		        socket(storage.ss_family, (i ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
		is_free &= bind(fd, (struct sockaddr *)&storage, length) == 0;
		close(fd);
	}
	return is_free;
}

static bool addresses_choose(struct servers *s)
{
	// BIND listens on addresses that an interface has by name only, so it gets that one.
	static const char *const texts[SERVERS] = {"127.77.1.1", "127.77.1.2", "127.0.0.1"};
	for (int attempt = 0; attempt < 50; attempt++) {
		uint16_t port = (uint16_t)(17000 + random_below(&s->random, 6000));
		bool is_free = true;
		for (int i = 0; i < SERVERS; i++) {
			address_parse(texts[i], port, &s->address[i], NULL);
			is_free &= port_is_free(&s->address[i]);
		}
		address_parse("::1", port, &s->a_v6, NULL);
		if (is_free && port_is_free(&s->a_v6))
			return true;
	}
	return false;
}

static bool files_write(struct servers *s, int which, const char *folder)
{
	char text[5000], zone[2000], address[ADDRESS_TEXT], ip[ADDRESS_TEXT], v6[80];
	bool is_parent = which == SERVER_PARENT, is_a = which == SERVER_A;
	address_format(&s->address[which], address);
	address_format_ip(&s->address[which], ip);
	snprintf(v6, sizeof v6, ", \"::1@%u\"", s->a_v6.port);
	if (which == SERVER_B)
		snprintf(text, sizeof text, named_configuration, folder, folder, folder,
		        s->address[which].port, ip);
	else
		snprintf(text, sizeof text, knot_configuration, address, is_a ? v6 : "", folder,
		        folder, is_parent ? s->parent_policy : "", folder,
		        is_parent ? "test." : "example.test.");
	snprintf(zone, sizeof zone, child_zone, is_a ? "a" : "b", is_a ? "a" : "b",
	        is_a ? "@ 100 NS ns2.a.test.\n" : "");
	return write_file(folder, "conf", text) &&
	       write_file(folder, "zone", is_parent ? parent_zone : zone);
}

struct life {
	struct servers *s;
	int which;
};

static void process_ended(void *ctx, const struct loop_process_end *end)
{
	struct life *life = ctx;
	life->s->process[life->which] = NULL;
	print_message("# server %d ended: %.500s%.500s\n", life->which, end->out, end->err);
}

static struct life lives[SERVERS];

static bool process_start(struct servers *s, int which)
{
	char folder[250], conf[300];
	snprintf(folder, sizeof folder, "%s/%d", s->folder, which);
	snprintf(conf, sizeof conf, "%s/conf", folder);
	const char *knot[] = {KNOTD, "-c", conf, NULL};
	const char *named[] = {NAMED, "-g", "-n", "1", "-c", conf, NULL};
	struct loop_process_spec spec = {.argv = which == SERVER_B ? named : knot,
	        .timeout_ms = 10 * MINUTE_MS,
	        .max_output = 1 << 16};
	lives[which] = (struct life){s, which};
	return files_write(s, which, folder) &&
	       loop_spawn(s->loop, &spec, process_ended, &lives[which], &s->process[which], NULL) ==
	               RESULT_OK;
}

static void enough(void *ctx)
{
	loop_stop(ctx);
}

void servers_wait(struct servers *s, int64_t ms)
{
	struct loop_timer timer = {.fire = enough, .ctx = s->loop};
	loop_timer_start(s->loop, &timer, ms);
	loop_run(s->loop, TIME_NEVER_MS);
	loop_timer_stop(s->loop, &timer);
}

struct probe {
	struct loop *loop;
	bool is_signed;
};

static void probed(void *ctx, const struct query_result *result)
{
	struct probe *probe = ctx;
	// A DNSKEY answer with its signature: authoritative, NOERROR, at least three records.
	probe->is_signed = result->status == QUERY_ANSWERED && (result->data[3] & 15) == 0 &&
	                   (result->data[2] & 4) != 0 && result->data[7] >= 3;
	loop_stop(probe->loop);
}

static bool wait_until_signed(struct servers *s, int which)
{
	static const uint8_t parent[] = "\4test", child[] = "\7example\4test";
	struct query_question question = {
	        .name = which == SERVER_PARENT ? parent : child, .type = DNS_TYPE_DNSKEY};
	struct query_options options = {.tries = 1, .timeout_ms = 300, .dnssec_ok = true};
	for (int i = 0; i < 100 && s->process[which] != NULL; i++) {
		struct probe probe = {.loop = s->loop};
		if (query_submit(s->engine, &s->address[which], &question, &options, probed, &probe,
		            NULL, NULL) != RESULT_OK)
			return false;
		loop_run(s->loop, TIME_NEVER_MS);
		if (probe.is_signed)
			return true;
		servers_wait(s, 100);
	}
	return false;
}

static bool all_start(struct servers *s)
{
	const char *base = getenv("TMPDIR");
	if (!addresses_choose(s))
		return false;
	snprintf(s->folder, sizeof s->folder, "%.150s/baton-test-XXXXXX",
	        base != NULL ? base : "/tmp");
	if (mkdtemp(s->folder) == NULL)
		return false;
	for (int i = 0; i < SERVERS; i++) {
		char folder[250];
		snprintf(folder, sizeof folder, "%s/%d", s->folder, i);
		if (mkdir(folder, 0700) != 0 || !process_start(s, i))
			return false;
	}
	for (int i = 0; i < SERVERS; i++)
		if (!wait_until_signed(s, i)) {
			print_message("# server %d does not sign\n", i);
			return false;
		}
	return true;
}

struct servers *servers_start(const char *parent_policy)
{
	if (access(KNOTD, X_OK) != 0 || access(NAMED, X_OK) != 0)
		return NULL;
	struct servers *s = calloc(1, sizeof *s);
	struct error err;
	assert_non_null(s);
	s->random = random_system();
	s->parent_policy = parent_policy;
	assert_int_equal(loop_new(&s->loop, &err), RESULT_OK);
	assert_int_equal(query_engine_new(s->loop, &s->random, NULL, &s->engine, &err), RESULT_OK);
	bool started = all_start(s);
	if (!started)
		servers_stop(s);
	assert_true(started);
	return s;
}

void servers_kill(struct servers *s, int which)
{
	if (s->process[which] != NULL)
		loop_process_kill(s->process[which]);
	s->process[which] = NULL;
}

void servers_stop(struct servers *s)
{
	if (s == NULL)
		return;
	for (int i = 0; i < SERVERS; i++)
		servers_kill(s, i);
	query_engine_free(s->engine);
	loop_free(s->loop);
	if (s->folder[0] != '\0')
		remove_folder(s->folder);
	free(s);
}

struct observe_subject *servers_subject(struct servers *s)
{
	struct observe_subject *subject;
	struct error err = {0};
	int a, b;
	assert_int_equal(observe_subject_new("example.test", NULL, &subject, &err), RESULT_OK);
	assert_int_equal(observe_subject_group(subject, "A", 0, &a, &err), RESULT_OK);
	assert_int_equal(observe_subject_group(subject, "B", 0, &b, &err), RESULT_OK);
	observe_subject_server(subject, 0, "ns.test", &s->address[SERVER_PARENT], &err);
	observe_subject_server(subject, a, "ns1.a.test", &s->address[SERVER_A], &err);
	observe_subject_server(subject, a, "ns2.a.test", &s->a_v6, &err);
	observe_subject_server(subject, b, "ns1.b.test", &s->address[SERVER_B], &err);
	observe_subject_sample(subject, "www.example.test", DNS_TYPE_A, &err);
	observe_subject_sample(subject, "mail.example.test", DNS_TYPE_A, &err);
	subject->publishers[a].data_ttl_s = subject->publishers[b].data_ttl_s = 200;
	subject->past_since_ms = 0;
	return subject;
}

struct observed {
	struct loop *loop;
	struct observe_round *round;
};

static void observed(void *ctx, struct observe_round *round)
{
	struct observed *o = ctx;
	o->round = round;
	loop_stop(o->loop);
}

struct observe_round *servers_observe(struct servers *s, struct observer *observer)
{
	struct observed o = {.loop = s->loop};
	struct error err = {0};
	assert_int_equal(observer_round(observer, observed, &o, &err), RESULT_OK);
	while (o.round == NULL)
		loop_run(s->loop, TIME_NEVER_MS);
	return o.round;
}
