#include "net/epoll.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct datagram_epoll {
	struct loop_datagram base;
	struct handle handle;
	struct watch watch;
	struct address local;
};

static struct epoll_loop *loop_of(const struct datagram_epoll *datagram)
{
	return (struct epoll_loop *)datagram->base.loop;
}

static void read_datagrams(struct datagram_epoll *datagram)
{
	struct epoll_loop *loop = loop_of(datagram);
	struct mmsghdr messages[EPOLL_BATCH] = {0};
	struct iovec parts[EPOLL_BATCH];
	struct sockaddr_storage from[EPOLL_BATCH];
	for (size_t i = 0; i < EPOLL_BATCH; i++) {
		parts[i].iov_base = loop->room + i * EPOLL_DATAGRAM;
		parts[i].iov_len = EPOLL_DATAGRAM;
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
		messages[i].msg_hdr.msg_name = &from[i];
		messages[i].msg_hdr.msg_namelen = sizeof from[i];
	}
	// One call for each event: epoll says again when there is more, and others get their turn.
	int n = recvmmsg(datagram->watch.fd, messages, EPOLL_BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n && datagram->watch.ready != NULL; i++) {
		struct address peer = address_from_sockaddr(&from[i]);
		datagram->base.handler.received(datagram->base.ctx, &peer,
		        loop->room + (size_t)i * EPOLL_DATAGRAM, messages[i].msg_len);
	}
}

// ICMP errors, with the destination and the start of the datagram that they are about.
static bool read_error(struct datagram_epoll *datagram)
{
	struct sockaddr_storage to = {0};
	uint8_t quoted[512], control[512];
	struct iovec part = {.iov_base = quoted, .iov_len = sizeof quoted};
	struct msghdr message = {.msg_name = &to,
	        .msg_namelen = sizeof to,
	        .msg_iov = &part,
	        .msg_iovlen = 1,
	        .msg_control = control,
	        .msg_controllen = sizeof control};
	ssize_t n = recvmsg(datagram->watch.fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT);
	if (n < 0)
		return false;
	bool icmp = false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c != NULL; c = CMSG_NXTHDR(&message, c)) {
		struct sock_extended_err extended;
		if (c->cmsg_len < CMSG_LEN(sizeof extended))
			continue;
		memcpy(&extended, CMSG_DATA(c), sizeof extended);
		icmp |= extended.ee_origin == SO_EE_ORIGIN_ICMP ||
		        extended.ee_origin == SO_EE_ORIGIN_ICMP6;
	}
	struct address peer = address_from_sockaddr(&to);
	if (icmp && datagram->base.handler.unreachable != NULL)
		datagram->base.handler.unreachable(datagram->base.ctx, &peer, quoted, (size_t)n);
	return true;
}

static void datagram_ready(struct watch *watch, uint32_t events)
{
	struct datagram_epoll *datagram =
	        (struct datagram_epoll *)((char *)watch - offsetof(struct datagram_epoll, watch));
	if (events & EPOLLERR) {
		for (int i = 0; i < EPOLL_BATCH && watch->ready != NULL; i++)
			if (!read_error(datagram))
				break;
	}
	if (watch->ready != NULL && (events & EPOLLIN))
		read_datagrams(datagram);
}

static void datagram_close_handle(struct handle *handle)
{
	struct datagram_epoll *datagram = handle->memory;
	epoll_unwatch(&datagram->watch);
	epoll_handle_close(loop_of(datagram), handle);
}

static bool datagram_prepare(struct datagram_epoll *datagram, const struct address *local)
{
	int fd = datagram->watch.fd, on = 1;
	if (local->family == 6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0)
		return false;
	// Without it, ICMP errors for sockets that are not connected are lost.
	if (local->family == 6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on);
	else
		setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof on);
	struct sockaddr_storage storage;
	socklen_t length = address_to_sockaddr(local, &storage);
	if (bind(fd, (struct sockaddr *)&storage, length) != 0)
		return false;
	datagram->local = *local;
	if (local->port == 0) {
		length = sizeof storage;
		if (getsockname(fd, (struct sockaddr *)&storage, &length) != 0)
			return false;
		datagram->local = address_from_sockaddr(&storage);
	}
	return epoll_watch(loop_of(datagram), &datagram->watch, EPOLLIN);
}

enum result epoll_datagram_open(struct loop *loop, const struct address *local,
        const struct loop_datagram_handler *handler, void *ctx, struct loop_datagram **out,
        struct error *err)
{
	struct datagram_epoll *datagram = calloc(1, sizeof *datagram);
	if (datagram == NULL)
		return error_set(err, RESULT_MEMORY, "no memory for a socket");
	datagram->base = (struct loop_datagram){.loop = loop, .handler = *handler, .ctx = ctx};
	datagram->handle.close = datagram_close_handle;
	datagram->handle.memory = datagram;
	datagram->watch.ready = datagram_ready;
	datagram->watch.fd = socket(local->family == 6 ? AF_INET6 : AF_INET,
	        SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (datagram->watch.fd < 0 || !datagram_prepare(datagram, local)) {
		enum result code = epoll_result_of_errno(errno);
		char text[ADDRESS_TEXT];
		error_set_errno(err, "cannot open UDP at %s", address_format(local, text));
		if (err != NULL)
			err->code = code;
		if (datagram->watch.fd >= 0)
			close(datagram->watch.fd);
		free(datagram);
		return code;
	}
	epoll_handle_open((struct epoll_loop *)loop, &datagram->handle);
	*out = &datagram->base;
	return RESULT_OK;
}

enum result epoll_datagram_send(
        struct loop_datagram *base, const struct address *to, const void *data, size_t octets)
{
	struct datagram_epoll *datagram = (struct datagram_epoll *)base;
	struct sockaddr_storage storage;
	socklen_t length = address_to_sockaddr(to, &storage);
	// The first attempt may report an older datagram's ICMP error instead of sending.
	for (int attempt = 0; attempt < 2; attempt++)
		if (sendto(datagram->watch.fd, data, octets, MSG_NOSIGNAL,
		            (struct sockaddr *)&storage, length) >= 0)
			return RESULT_OK;
	enum result code = epoll_result_of_errno(errno);
	return code == RESULT_LIMIT ? RESULT_LIMIT : RESULT_NETWORK;
}

struct address epoll_datagram_local(const struct loop_datagram *base)
{
	return ((const struct datagram_epoll *)base)->local;
}

void epoll_datagram_close(struct loop_datagram *base)
{
	datagram_close_handle(&((struct datagram_epoll *)base)->handle);
}
