#include "stub.h"

#include "base/clock.h"
#include "base/random.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define STUB_MAX_OCTETS 65535

static bool stub_put_edns(knot_pkt_t *pkt)
{
	knot_rrset_t opt;
	if (knot_edns_init(&opt, 4096, 0, 0, &pkt->mm) != KNOT_EOK)
		return false;
	knot_edns_set_do(&opt);
	bool ok = knot_pkt_begin(pkt, KNOT_ADDITIONAL) == KNOT_EOK &&
	          knot_pkt_put(pkt, KNOT_COMPR_HINT_NONE, &opt, KNOT_PF_FREE) == KNOT_EOK;
	return ok;
}

size_t stub_write(const struct stub_question *question, uint16_t id, uint8_t *wire)
{
	uint8_t name[KNOT_DNAME_MAXLEN];
	if (knot_dname_from_str(name, question->name, sizeof(name)) == NULL)
		return 0;
	knot_pkt_t *pkt = knot_pkt_new(NULL, 512, NULL);
	if (pkt == NULL)
		return 0;
	knot_wire_set_id(pkt->wire, id);
	if (question->recurse)
		knot_wire_set_rd(pkt->wire);
	if (question->authentic)
		knot_wire_set_ad(pkt->wire);
	bool ok = knot_pkt_put_question(pkt, name, KNOT_CLASS_IN, question->type) == KNOT_EOK;
	if (ok && question->dnssec)
		ok = stub_put_edns(pkt);
	size_t length = ok ? pkt->size : 0;
	memcpy(wire, pkt->wire, length);
	knot_pkt_free(pkt);
	return length;
}

static socklen_t stub_address(const char *text, uint16_t port, struct sockaddr_storage *out)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	if (inet_pton(AF_INET, text, &in.sin_addr) == 1) {
		memcpy(out, &in, sizeof(in));
		return sizeof(in);
	}
	if (inet_pton(AF_INET6, text, &in6.sin6_addr) == 1) {
		memcpy(out, &in6, sizeof(in6));
		return sizeof(in6);
	}
	errno = EINVAL;
	return 0;
}

int stub_socket(const char *address, const char *source, int flags)
{
	struct sockaddr_storage to, from;
	socklen_t to_length = stub_address(address, 53, &to);
	socklen_t from_length = source != NULL ? stub_address(source, 0, &from) : 0;
	if (to_length == 0 || (source != NULL && from_length == 0))
		return -1;
	int fd = socket(to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | flags, 0);
	if (fd < 0)
		return -1;
	if ((source != NULL && bind(fd, (struct sockaddr *)&from, from_length) != 0) ||
	        connect(fd, (struct sockaddr *)&to, to_length) != 0) {
		int saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

knot_pkt_t *stub_parse(
        const struct stub_question *question, uint16_t id, const uint8_t *wire, size_t length)
{
	uint8_t name[KNOT_DNAME_MAXLEN];
	if (length < KNOT_WIRE_HEADER_SIZE || length > STUB_MAX_OCTETS ||
	        knot_wire_get_id(wire) != id || !knot_wire_get_qr(wire) ||
	        knot_dname_from_str(name, question->name, sizeof(name)) == NULL)
		return NULL;
	knot_pkt_t *pkt = knot_pkt_new(NULL, (uint16_t)length, NULL);
	if (pkt == NULL)
		return NULL;
	memcpy(pkt->wire, wire, length);
	pkt->size = length;
	if (knot_pkt_parse(pkt, 0) == KNOT_EOK && knot_pkt_qname(pkt) != NULL &&
	        knot_dname_is_case_equal(knot_pkt_qname(pkt), name) &&
	        knot_pkt_qtype(pkt) == question->type)
		return pkt;
	knot_pkt_free(pkt);
	return NULL;
}

// Waits for the matching answer on fd until the deadline.
static enum result stub_receive(int fd, const struct stub_question *question, uint16_t id,
        int64_t until_ms, knot_pkt_t **answer, struct error *err)
{
	static _Thread_local uint8_t wire[STUB_MAX_OCTETS];
	struct clock clock = clock_system();
	for (;;) {
		int64_t left_ms = until_ms - clock_now_ms(&clock);
		struct pollfd wait = {.fd = fd, .events = POLLIN};
		if (left_ms <= 0 || poll(&wait, 1, (int)left_ms) == 0)
			return error_set(
			        err, RESULT_TIMEOUT, "no answer from %s", question->address);
		ssize_t n = recv(fd, wire, sizeof(wire), MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n < 0) {
			error_set_errno(err, "%s", question->address);
			return RESULT_NETWORK;
		}
		*answer = stub_parse(question, id, wire, (size_t)n);
		if (*answer != NULL)
			return RESULT_OK;
	}
}

enum result stub_ask(const struct stub_question *question, int timeout_ms, knot_pkt_t **answer,
        struct error *err)
{
	struct clock clock = clock_system();
	struct random random = random_system();
	uint16_t id = (uint16_t)random_u64(&random);
	uint8_t wire[512];
	size_t length = stub_write(question, id, wire);
	if (length == 0)
		return error_set(err, RESULT_INPUT, "'%s' is no domain name", question->name);
	int fd = stub_socket(question->address, question->source, 0);
	if (fd < 0)
		return error_set_errno(err, "%s", question->address);
	int64_t until_ms = time_add(clock_now_ms(&clock), timeout_ms);
	enum result result = RESULT_OK;
	if (send(fd, wire, length, 0) < 0) {
		error_set_errno(err, "%s", question->address);
		result = RESULT_NETWORK;
	}
	if (result == RESULT_OK)
		result = stub_receive(fd, question, id, until_ms, answer, err);
	close(fd);
	return result;
}

const knot_rrset_t *stub_answer(const knot_pkt_t *answer, const char *name, uint16_t type)
{
	uint8_t owner[KNOT_DNAME_MAXLEN];
	if (knot_dname_from_str(owner, name, sizeof(owner)) == NULL)
		return NULL;
	const knot_pktsection_t *section = knot_pkt_section(answer, KNOT_ANSWER);
	for (uint16_t i = 0; i < section->count; i++) {
		const knot_rrset_t *rr = knot_pkt_rr(section, i);
		if (rr->type == type && knot_dname_is_case_equal(rr->owner, owner))
			return rr;
	}
	return NULL;
}
