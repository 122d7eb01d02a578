// Private to the start of a lab: the verbs that shapes are put together from.
//
//     static enum result tld_start(struct boot *boot)
//     {
//             enum result result = boot_template(boot, "knot-tld.conf", "tld1.conf");
//             if (result == RESULT_OK)
//                     result = boot_start(boot, "tld1", "knotd -c CONF");
//             …
//     }
//
// Every verb says in boot->err what went wrong, and returns its code. Texts live in boot->arena.
#pragma once

#include "process.h"
#include "shape.h"

#include "base/template.h"

#include <libknot/libknot.h>

struct boot {
	struct arena *arena;
	struct lab_info info;
	struct template_vars *vars;
	struct processes servers;
	const struct lab_options *options;
	int report;
	int64_t start_ms, until_ms;
	struct error err;
};

struct boot_keys {
	const char *ksk, *zsk, *ds; // ksk also stands for a key that is both
	uint16_t ksk_tag, zsk_tag;
};

// A line for whoever waits for the lab.
void boot_progress(struct boot *boot, const char *text);
// <dir>/<name>
char *boot_path(struct boot *boot, const char *name);
enum result boot_folder(struct boot *boot, const char *name);
// <prefix>_V4 and _V6 become the server's addresses.
void boot_server_vars(struct boot *boot, const char *prefix, const struct lab_server *server);
// templates/<from> with the variables put in, to <dir>/<to>.
enum result boot_template(struct boot *boot, const char *from, const char *to);
// The same for the zone under study, with all its names.
enum result boot_zone_file(struct boot *boot, const char *from, const char *to);
// A new TSIG key: "hmac-sha256:name:secret" into the file with this path, its secret into the
// variable; secret (may be NULL) becomes it, too.
enum result boot_tsig(struct boot *boot, const char *name, const char *file, const char *variable,
        const char **secret);
// One line of <dir>/<name>.
enum result boot_read_line(struct boot *boot, const char *name, const char **line);
// A shell script, templates/<from>: to <dir>/<to>, and run to its end.
enum result boot_script(struct boot *boot, const char *from, const char *to, const char *log);
// Starts a server whose command line is given as words: CONF at the end of one stands for
// <dir>/<id>.conf, DIR for <dir>/<id>.
enum result boot_start(struct boot *boot, const char *id, const char *words);

// What signs for an operator, in its first server's place (signer.h). Its configuration, which
// begins with the zone that its servers have their names in; then its keys, of which those of the
// next generation become the party's, and a script, DIR/stop-PARTY, that ends its servers.
enum result boot_signer_conf(struct boot *boot, int party, const char *home);
enum result boot_signer_keys(struct boot *boot, int party, const char *home);
enum result boot_signer_start(struct boot *boot, int party);
const char *boot_signer_title(const struct boot *boot, int party);
// The adapters of lab/adapters.
enum result boot_adapters(struct boot *boot);
// Reads the DNSKEY set that a primary serves: RDATA of the key signing key and the zone signing
// key as text, and the DS line of the former as a whole record with this TTL.
enum result boot_keys(struct boot *boot, const char *address, const char *zone, uint32_t ds_ttl_s,
        struct boot_keys *keys);
// Waits until the zone under study is signed all over at this server.
enum result boot_wait_zone(struct boot *boot, const char *address);
// Of what the root has, and a TLD below it that is not under study.
uint32_t boot_upper_ttl_s(const struct boot *boot);
// Starts the root (Knot), and makes its key the trust anchor.
enum result boot_root(struct boot *boot, const char *conf, const char *zone);

// NSD: zones by transfer from one primary, with the TSIG key of this name.
struct boot_secondary {
	const struct lab_server *server;
	const char *primary, *transfer_name, *secret_var;
	const char *zone1, *zone2;    // zone2 may be NULL
	unsigned reload_s;            // it loads what has changed no more often than that
	const char *more_keys, *more; // further keys, further lines about the zones; may be NULL
};
enum result boot_secondary(struct boot *boot, const struct boot_secondary *what);
