// The lab: a whole small internet of real servers in its own network namespace.
//
// A signed root and the signed TLD `test.` (Knot), a losing operator (Knot) and a gaining operator
// (BIND) with one NSD secondary each, and four validating resolvers: Unbound, BIND, Knot Resolver,
// and an Unbound that asks through a cache that does not validate. Every server is a process of its
// own with its own IPv4 and IPv6 address, which it also sends from. The zone under study,
// `example.test.`, is delegated to the losing operator; the gaining operator has a copy of it,
// signed with its own keys. All TTLs are a few seconds, each kind its own value, so that sums of
// waits can be told apart.
//
//     struct lab_options options = lab_options_default();
//     struct lab *lab;
//     if (lab_create(&options, &lab, &err) != RESULT_OK) ...
//     const struct lab_info *info = lab_info(lab);      // addresses, keys, TSIG keys, files
//     lab_run_in(lab, argv, 0, &status, &err);          // a command inside the namespaces
//     lab_stop(lab);                                    // no process, mount or file is left
//
// How it stands: lab_create forks a keeper, which makes the namespaces (with a user namespace where
// the caller is not root) and starts the lab's init, PID 1 of its PID namespace; init starts the
// servers in order and watches them. When the caller stops the lab or dies, however it dies, the
// keeper sees the end of a pipe, kills init, and with it the kernel ends every process of the lab;
// then the keeper removes the folder. When the keeper is killed, init dies with it.
//
// All files are in one folder, <dir>/ (given, or made under $TMPDIR). lab.yaml in it describes the
// lab for other programs, log/ has what each server printed, run/ their control sockets.
//
// Memory: a struct lab and its info belong to the caller until lab_stop or lab_close; texts in the
// info live as long. Errors: RESULT_SYSTEM where the machine refuses (namespaces, missing
// programs), RESULT_TIMEOUT where the lab was not ready in time, RESULT_NOT_FOUND for a folder
// without a running lab, RESULT_INPUT where it is not said which one; the text says what to look
// at.
#pragma once

#include "base/arena.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

// The kinds of records whose TTL can be chosen. The words are those of the timeline files, and
// `address` (glue and addresses of the operators' name servers) and `negative` (SOA minimum of the
// zone) with them.
enum lab_ttl {
	LAB_TTL_DS,
	LAB_TTL_DS_NONE,
	LAB_TTL_PARENT_NS,
	LAB_TTL_CHILD_NS,
	LAB_TTL_DNSKEY,
	LAB_TTL_DATA,
	LAB_TTL_NEGATIVE,
	LAB_TTL_ADDRESS,
	LAB_TTL_COUNT,
};

#define LAB_NAMES_MAX      999999
#define LAB_TTL_MAX_S      86400u
#define LAB_FOLLOWED_TTL_S 4
#define LAB_HOLD_DOWN_S    20

// What signs for an operator, and with what.
struct lab_signer {
	const char *software;      // "knot", "bind" or "powerdns"; NULL: as the shape has it
	bool single_key;           // one key signs everything, instead of a KSK and a ZSK
	const char *new_algorithm; // of the keys of the next generation; NULL: ecdsap256sha256
};

enum { LAB_REGISTRY, LAB_LOSING, LAB_GAINING, LAB_PARTIES };

struct lab_options {
	const char *dir; // folder to make; NULL: a new one under $TMPDIR
	bool keep;       // leave the folder there at the end
	uint32_t ttl_s[LAB_TTL_COUNT];
	const char *shape; // its name; NULL: the usual one, "domain"
	unsigned names;    // explicit names n000001 …; 0: as many as the shape usually has
	// Positive answers come without the NS set of the zone, from the losing operator's
	// secondary as well; Knot never adds it. Validators then go by the parent's NS set.
	bool minimal_answers;
	// The validators follow the root's keys by RFC 5011, with a hold-down of LAB_HOLD_DOWN_S,
	// and write down what they trust. The root's KSKs are then two files, of which the script
	// <dir>/root-keys makes the old and the new key of a rollover; the TTLs of the root and the
	// TLD are LAB_FOLLOWED_TTL_S, so that a validator must go by the root's keys all the time.
	bool follow_anchors;
	struct lab_signer signer[LAB_PARTIES]; // of the operators
	int64_t deadline_ms;                   // for the whole start
	// Called with one line for each thing that happens during the start; may be NULL.
	void (*progress)(void *ctx, const char *line);
	void *ctx;
};

struct lab_server {
	const char *id;       // "a1", "unbound"
	const char *software; // "knot", "bind", "powerdns", "nsd", "unbound", "knot-resolver"
	const char *name;     // host name with final dot, "" for resolvers
	const char *v4, *v6;
};

#define LAB_PARTY_SERVERS 2
struct lab_party {
	const char *id;          // "registry", "losing", "gaining"
	const char *zone;        // zone that it serves and that takes updates
	const char *update;      // address that takes dynamic updates
	const char *tsig_name;   // with final dot; hmac-sha256
	const char *tsig_secret; // base64
	const char *tsig_file;   // "hmac-sha256:name:secret", for knsupdate -k and kdig -k
	struct lab_server server[LAB_PARTY_SERVERS]; // [0] is the primary
	// Keys at the start: DNSKEY RDATA in presentation form ("257 3 13 ..."), and the DS of the
	// KSK (SHA-256). NULL for the registry. A single key is the KSK, and there is no ZSK.
	const char *ksk, *zsk, *ds;
	// Keys of the next generation, which the operator has and does not publish yet; likewise.
	const char *ksk_new, *zsk_new, *ds_new;
};

#define LAB_RESOLVERS 4

struct shape;

struct lab_info {
	const char *dir;
	const struct shape *shape;
	const char *zone; // "example.test."
	unsigned names;   // n000001 ... in it
	uint32_t ttl_s[LAB_TTL_COUNT];
	const char *trust_anchor;          // file with the root's KSK in zone file form
	const char *root_hints;            // file
	const char *client_v4, *client_v6; // the address stubs ask from
	struct lab_server root;
	struct lab_party party[LAB_PARTIES];
	struct lab_server resolver[LAB_RESOLVERS]; // the validators that are asked
	struct lab_server forwarder;               // the cache that the last of them asks through
};

struct lab;

struct lab_options lab_options_default(void);

// Reads "ds=6s,dnskey=10s,names... " as given to --ttl into options; whole seconds up to
// LAB_TTL_MAX_S.
enum result lab_options_ttl(struct lab_options *options, const char *text, struct error *err);

// The word for a kind of TTL, "parent-ns".
const char *lab_ttl_word(enum lab_ttl ttl);

// Starts a lab and waits until it is ready: every server answers, the zone is signed, every
// validator returns AD for a name in it. On failure nothing is left running; with options->keep
// the folder stays for reading.
enum result lab_create(const struct lab_options *options, struct lab **lab, struct error *err);

// Ends the lab: kills everything, removes the folder (unless kept), frees lab. NULL is allowed.
void lab_stop(struct lab *lab);

// Calls visit with the folder of each lab of the same user that runs, wherever it is, ready or not.
void lab_each(void (*visit)(void *ctx, const char *dir), void *ctx);
// Finds a lab that was started elsewhere: in dir, or with dir NULL the only one of the same user
// that runs. Release it with lab_close, which does not end it. RESULT_INPUT, with their folders,
// where several run.
enum result lab_open(const char *dir, struct lab **lab, struct error *err);
void lab_close(struct lab *lab);
// Tells the keeper of the lab in dir to end it, ready or not, and waits until it has. With dir NULL
// it ends none, for the one that runs may be somebody else's: RESULT_INPUT, with their folders.
enum result lab_down(const char *dir, struct error *err);

const struct lab_info *lab_info(const struct lab *lab);
bool lab_alive(const struct lab *lab);

#define LAB_ENTER_NET 1u // only the network (and the user namespace that owns it)
#define LAB_ENTER_ALL 2u // network, mounts and processes; for processes, the next child is inside
// Moves the calling process into the lab's namespaces. The caller must be single-threaded (a child
// after fork is).
enum result lab_enter(const struct lab *lab, unsigned what, struct error *err);

// Runs a command inside the lab and waits for it, for at most timeout_ms (0: without limit, else
// RESULT_TIMEOUT and the command is killed); status is a wait status as of waitpid(2). The command
// sees the environment of the caller, and BATON_LAB=<dir>.
enum result lab_run_in(const struct lab *lab, char *const argv[], int64_t timeout_ms, int *status,
        struct error *err);
// The same for a command whose output nobody reads: it goes to <dir>/log/run.log.
enum result lab_run_quietly(const struct lab *lab, char *const argv[], int64_t timeout_ms,
        int *status, struct error *err);

// Sends a dynamic update, signed with the party's key, to the party's primary: script in the words
// of knsupdate(1) without server, zone, key and send ("del example.test. DS\nadd ..."). The
// answer's code is in the error text where it is not NOERROR (RESULT_REFUSED). Says nothing about
// whether the change is served.
enum result lab_update(const struct lab *lab, int party, const char *script, struct error *err);

// What lab_wait waits for: that a server has, or no longer has, a record.
struct lab_condition {
	const char *address; // of the server, which is asked without recursion
	const char *name;
	const char *type;  // "DNSKEY"
	const char *rdata; // presentation form, one space between fields; NULL: any record
	bool absent;
};
// Asks again and again until the condition holds; RESULT_TIMEOUT where it does not in time. Only
// answers with NOERROR count.
enum result lab_wait(const struct lab *lab, const struct lab_condition *condition,
        int64_t timeout_ms, struct error *err);
// Kills (SIGKILL) the process of a server, named by its id, and starts it again; with id NULL
// starts all that have ended. Returns before the server answers again.
enum result lab_restart(const struct lab *lab, const char *id, struct error *err);

// Puts ${NAME} variables of the lab into text, for scenarios: see scenario.h for the names.
enum result lab_expand(const struct lab *lab, struct arena *arena, const char *text, char **out,
        struct error *err);
