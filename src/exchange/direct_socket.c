#include "exchange/direct_socket.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

static socklen_t size_of(const union address *a)
{
    return a->sa.sa_family == AF_INET6 ? sizeof a->in6 : sizeof a->in;
}

/* The port is chosen when it is connected: many connections may share one then. */
static int bind_source(int fd, const union address *source)
{
    static const int on = 1;
    if (source->sa.sa_family == AF_UNSPEC)
        return 0;
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    return bind(fd, &source->sa, size_of(source));
}

int direct_socket_open(const struct exchange_target *target, int type, int *out)
{
    static const int on = 1;
    const union address *to = &target->address;
    int fd = socket(to->sa.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (type == SOCK_STREAM)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (bind_source(fd, &target->source) != 0 ||
        (connect(fd, &to->sa, size_of(to)) != 0 && errno != EINPROGRESS)) {
        int error = errno;
        close(fd);
        return -error;
    }
    *out = fd;
    return ERR_OK;
}
