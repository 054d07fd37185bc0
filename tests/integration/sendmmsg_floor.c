/*
 * What the kernel alone takes to send datagrams as a server sends its answers: 32 with one sendmmsg(), from
 * one socket, each to another of the ports at 127.0.0.1. For tests/integration/test_upstream_faults.py.
 *
 *   sendmmsg_floor COUNT OCTETS PORT...
 *
 * Prints `wall NS cpu NS` for all of them.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#define BATCH      32
#define OCTETS_MAX 1232

static unsigned long long now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (unsigned long long)t.tv_sec * 1000000000u + (unsigned long long)t.tv_nsec;
}

int main(int argc, char **argv)
{
    static char datagram[OCTETS_MAX];
    struct sockaddr_in to[BATCH];
    struct mmsghdr msg[BATCH];
    if (argc < 4)
        return EXIT_FAILURE;
    unsigned long count = strtoul(argv[1], NULL, 10), octets = strtoul(argv[2], NULL, 10);
    unsigned ports = (unsigned)argc - 3, port = 0;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0 || octets > sizeof datagram)
        return EXIT_FAILURE;
    struct iovec vec = {.iov_base = datagram, .iov_len = octets};
    unsigned long long wall = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID);
    for (unsigned long sent = 0; sent < count;) {
        unsigned n = count - sent < BATCH ? (unsigned)(count - sent) : BATCH;
        for (unsigned i = 0; i < n; i++, port = (port + 1) % ports) {
            to[i] = (struct sockaddr_in){.sin_family = AF_INET,
                                         .sin_port = htons((in_port_t)strtoul(argv[3 + port], NULL, 10)),
                                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
            msg[i].msg_hdr = (struct msghdr){
                .msg_name = &to[i], .msg_namelen = sizeof to[i], .msg_iov = &vec, .msg_iovlen = 1};
        }
        int done = sendmmsg(fd, msg, n, 0);
        if (done < 0 && errno != EINTR)
            return EXIT_FAILURE;
        sent += done > 0 ? (unsigned)done : 0;
    }
    printf("wall %llu cpu %llu\n", now(CLOCK_MONOTONIC) - wall, now(CLOCK_PROCESS_CPUTIME_ID) - cpu);
    return EXIT_SUCCESS;
}
