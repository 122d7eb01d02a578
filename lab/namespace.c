#include "namespace.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

static enum result namespace_write(const char *path, const char *text, struct error *err)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return error_set_errno(err, "cannot open %s", path);
	ssize_t n = write(fd, text, strlen(text));
	close(fd);
	return n < 0 ? error_set_errno(err, "cannot write %s", path) : RESULT_OK;
}

// A process without privileges may map exactly its own user and group, and must give up setgroups
// for it (user_namespaces(7)).
static enum result namespace_map_user(uid_t uid, gid_t gid, struct error *err)
{
	char map[64];
	snprintf(map, sizeof(map), "0 %u 1\n", (unsigned)uid);
	enum result result = namespace_write("/proc/self/uid_map", map, err);
	if (result == RESULT_OK)
		result = namespace_write("/proc/self/setgroups", "deny", err);
	snprintf(map, sizeof(map), "0 %u 1\n", (unsigned)gid);
	if (result == RESULT_OK)
		result = namespace_write("/proc/self/gid_map", map, err);
	return result;
}

enum result namespace_unshare(struct error *err)
{
	const int flags = CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID;
	uid_t uid = geteuid();
	gid_t gid = getegid();
	if (uid == 0 && unshare(flags) == 0)
		return RESULT_OK;
	if (uid == 0 && errno != EPERM)
		return error_set_errno(err, "cannot make network, mount and process namespaces");
	if (unshare(flags | CLONE_NEWUSER) != 0)
		return error_set_errno(err,
		        "cannot make namespaces; run as root, or permit user namespaces "
		        "(sysctl kernel.unprivileged_userns_clone=1)");
	return namespace_map_user(uid, gid, err);
}

static enum result namespace_loopback_up(struct error *err)
{
	struct ifreq request = {.ifr_name = "lo"};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int failed = fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request) != 0;
	if (!failed) {
		request.ifr_flags |= IFF_UP | IFF_RUNNING;
		failed = ioctl(fd, SIOCSIFFLAGS, &request) != 0;
	}
	if (failed)
		error_set_errno(err, "cannot bring the loopback device up");
	if (fd >= 0)
		close(fd);
	return failed ? RESULT_SYSTEM : RESULT_OK;
}

enum result namespace_furnish(struct error *err)
{
	// A /proc that shows the lab's processes, for people who look. It is not needed, and not
	// everywhere possible: in a mere chroot the mounts cannot be made private, some containers
	// cover parts of /proc and then refuse a new one.
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0)
		(void)mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	return namespace_loopback_up(err);
}

// Reads "192.0.2.1" or "2001:db8::1"; octets has room for 16. Returns the family, 0 for neither.
static int namespace_parse(const char *text, void *octets)
{
	if (inet_pton(AF_INET, text, octets) == 1)
		return AF_INET;
	return inet_pton(AF_INET6, text, octets) == 1 ? AF_INET6 : 0;
}

struct namespace_message {
	struct nlmsghdr head;
	union {
		struct ifaddrmsg address;
		struct rtmsg route;
	} body;
	char attributes[256];
};

static void namespace_attribute(
        struct namespace_message *message, unsigned short type, const void *data, size_t length)
{
	struct rtattr attribute = {.rta_type = type, .rta_len = (unsigned short)RTA_LENGTH(length)};
	char *end = (char *)message + NLMSG_ALIGN(message->head.nlmsg_len);
	memcpy(end, &attribute, sizeof(attribute));
	memcpy(end + RTA_LENGTH(0), data, length);
	message->head.nlmsg_len =
	        (unsigned)(NLMSG_ALIGN(message->head.nlmsg_len) + RTA_ALIGN(attribute.rta_len));
}

// Sends one message and waits for the kernel's acknowledgement; sets errno.
static bool namespace_send(struct namespace_message *message)
{
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
		char rest[512];
	} reply;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0)
		return false;
	ssize_t n = send(fd, message, message->head.nlmsg_len, 0);
	if (n >= 0)
		n = recv(fd, &reply, sizeof(reply), 0);
	int saved = errno;
	close(fd);
	errno = saved;
	if (n < (ssize_t)sizeof(struct nlmsghdr) || reply.head.nlmsg_type != NLMSG_ERROR)
		return false;
	errno = -reply.error.error;
	return reply.error.error == 0 || errno == EEXIST;
}

enum result namespace_address(const char *address, struct error *err)
{
	unsigned char octets[16];
	int family = namespace_parse(address, octets);
	if (family == 0)
		return error_set(err, RESULT_INPUT, "'%s' is no IP address", address);
	struct namespace_message message = {
	        .head = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifaddrmsg)),
	                .nlmsg_type = RTM_NEWADDR,
	                .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL},
	        .body.address = {.ifa_family = (unsigned char)family,
	                .ifa_prefixlen = family == AF_INET ? 32 : 128,
	                .ifa_flags = IFA_F_NODAD,
	                .ifa_index = if_nametoindex("lo")},
	};
	size_t length = family == AF_INET ? 4 : 16;
	namespace_attribute(&message, IFA_LOCAL, octets, length);
	namespace_attribute(&message, IFA_ADDRESS, octets, length);
	return namespace_send(&message) ? RESULT_OK
	                                : error_set_errno(err, "cannot add address %s", address);
}

enum result namespace_source(const char *to, const char *source, struct error *err)
{
	unsigned char to_octets[16], source_octets[16];
	int family = namespace_parse(to, to_octets);
	if (family == 0 || namespace_parse(source, source_octets) != family)
		return error_set(err, RESULT_INPUT, "'%s' and '%s' are no addresses of one family",
		        to, source);
	size_t length = family == AF_INET ? 4 : 16;
	unsigned index = if_nametoindex("lo");
	struct namespace_message message = {
	        .head = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct rtmsg)),
	                .nlmsg_type = RTM_NEWROUTE,
	                .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE},
	        .body.route = {.rtm_family = (unsigned char)family,
	                .rtm_dst_len = (unsigned char)(length * 8),
	                .rtm_table = RT_TABLE_LOCAL,
	                .rtm_protocol = RTPROT_KERNEL,
	                .rtm_scope = RT_SCOPE_HOST,
	                .rtm_type = RTN_LOCAL},
	};
	namespace_attribute(&message, RTA_DST, to_octets, length);
	// The kernel's own IPv6 route of metric 0 would win over ours, whose metric cannot be 0.
	struct namespace_message old = message;
	old.head.nlmsg_type = RTM_DELROUTE;
	old.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	namespace_attribute(&old, RTA_OIF, &index, sizeof(index));
	if (family == AF_INET6)
		(void)namespace_send(&old);
	namespace_attribute(&message, RTA_PREFSRC, source_octets, length);
	namespace_attribute(&message, RTA_OIF, &index, sizeof(index));
	return namespace_send(&message)
	               ? RESULT_OK
	               : error_set_errno(err, "cannot set the source address for %s", to);
}
