/*
 * What options of a UDP socket are worth to a server that does nothing else: an echo server and its clients,
 * CPU of the server's thread an answer, each variant in turn, the order turned each round, ratios within a
 * round.
 *
 *     gcc -O2 -pthread -o /tmp/socket_options tests/bench/socket_options.c && /tmp/socket_options ROUNDS
 * SECONDS same|split|two
 *
 * same: server and client on CPU 0 (full batches, no idling); split: the client on CPU 1; two: two servers of
 * one port and a client beside each, on CPUs 0 and 1. Clients send questions in pairs from one socket, as a
 * resolver asks for A and AAAA, 120 outstanding.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

#define BATCH    32
#define QUESTION 60  /* octets of a question */
#define ANSWER   140 /* and of an answer */
#define CLIENTS  60  /* sockets of a client, two questions each at a time */
#define VARIANTS 8
#define SERVERS  2

enum steer { STEER_NONE, STEER_INCOMING_CPU, STEER_PROGRAM };

struct variant {
    const char *name;
    int receive_buffer, busy_poll_us;
    bool segment; /* neighbours in a batch that go to one client leave in one send */
    bool single;  /* clients ask one question at a time from each of twice as many sockets */
    enum steer steer;
};

static const struct variant variants[] = {
    {"plain: receive buffer 4 MiB", 4 << 20, 0, false, false, STEER_NONE},
    {"the same once more", 4 << 20, 0, false, false, STEER_NONE},
    {"default receive buffer", 0, 0, false, false, STEER_NONE},
    {"SO_BUSY_POLL 50", 4 << 20, 50, false, false, STEER_NONE},
    {"UDP_SEGMENT, pairs", 4 << 20, 0, true, false, STEER_NONE},
    {"no pairs", 4 << 20, 0, false, true, STEER_NONE},
    {"UDP_SEGMENT, no pairs", 4 << 20, 0, true, true, STEER_NONE},
};
static const struct variant steered[] = {
    {"SO_REUSEPORT", 4 << 20, 0, false, false, STEER_NONE},
    {"the same once more", 4 << 20, 0, false, false, STEER_NONE},
    {"SO_INCOMING_CPU", 4 << 20, 0, false, false, STEER_INCOMING_CPU},
    {"SO_ATTACH_REUSEPORT_CBPF by CPU", 4 << 20, 0, false, false, STEER_PROGRAM},
};

struct server {
    const struct variant *v;
    int fd, cpu, tid;
    uint64_t cpu_before;
};

struct client {
    const struct variant *v;
    int cpu, fd[2 * CLIENTS];
    struct sockaddr_in to;
    uint64_t answers, lost;
    double until;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void pin(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    sched_setaffinity(0, sizeof set, &set);
}

/* ---- the server ---- */

static void *serve(void *ctx)
{
    struct server *s = ctx;
    static _Thread_local uint8_t in[BATCH][512], answers[BATCH][ANSWER];
    static _Thread_local struct sockaddr_in from[BATCH];
    static _Thread_local union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(uint16_t))];
    } control[BATCH];
    struct iovec vec[BATCH], vec_out[BATCH][2];
    struct mmsghdr m[BATCH], o[BATCH];
    pin(s->cpu);
    __atomic_store_n(&s->tid, gettid(), __ATOMIC_RELEASE);
    for (;;) {
        for (int i = 0; i < BATCH; i++) {
            vec[i] = (struct iovec){in[i], sizeof in[i]};
            m[i].msg_hdr = (struct msghdr){
                .msg_name = &from[i], .msg_namelen = sizeof from[i], .msg_iov = &vec[i], .msg_iovlen = 1};
        }
        int n = recvmmsg(s->fd, m, BATCH, MSG_WAITFORONE, NULL), sends = 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0 || m[0].msg_len == 0)
            return NULL; /* shut down */
        for (int i = 0; i < n; i++) {
            memcpy(answers[i], in[i], QUESTION);
            bool joins = s->v->segment && i > 0 && sends > 0 && o[sends - 1].msg_hdr.msg_iovlen == 1 &&
                         from[i].sin_port == from[i - 1].sin_port &&
                         from[i].sin_addr.s_addr == from[i - 1].sin_addr.s_addr;
            if (joins) {
                struct msghdr *h = &o[sends - 1].msg_hdr;
                vec_out[sends - 1][1] = (struct iovec){answers[i], ANSWER};
                h->msg_iovlen = 2;
                h->msg_control = &control[sends - 1];
                h->msg_controllen = sizeof control[0].room;
                struct cmsghdr *c = CMSG_FIRSTHDR(h);
                *c = (struct cmsghdr){
                    .cmsg_level = SOL_UDP, .cmsg_type = UDP_SEGMENT, .cmsg_len = CMSG_LEN(sizeof(uint16_t))};
                *(uint16_t *)CMSG_DATA(c) = ANSWER;
                continue;
            }
            vec_out[sends][0] = (struct iovec){answers[i], ANSWER};
            o[sends].msg_hdr = (struct msghdr){.msg_name = &from[i],
                                               .msg_namelen = sizeof from[i],
                                               .msg_iov = vec_out[sends],
                                               .msg_iovlen = 1};
            sends++;
        }
        for (int sent = 0, k; sent<sends; sent += k> 0 ? k : 1)
            k = sendmmsg(s->fd, o + sent, (unsigned)(sends - sent), 0);
    }
}

static int listen_on(const struct variant *v, struct sockaddr_in *a, int cpu)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (v->receive_buffer > 0 &&
        setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &v->receive_buffer, sizeof(int)) < 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &v->receive_buffer, sizeof(int));
    if (v->busy_poll_us > 0 && setsockopt(fd, SOL_SOCKET, SO_BUSY_POLL, &v->busy_poll_us, sizeof(int)) < 0)
        perror("SO_BUSY_POLL");
    if (v->steer == STEER_INCOMING_CPU && setsockopt(fd, SOL_SOCKET, SO_INCOMING_CPU, &cpu, sizeof cpu) < 0)
        perror("SO_INCOMING_CPU");
    socklen_t len = sizeof *a;
    if (bind(fd, (struct sockaddr *)a, len) < 0 || getsockname(fd, (struct sockaddr *)a, &len) < 0) {
        perror("bind");
        exit(1);
    }
    if (v->steer == STEER_PROGRAM && cpu == 0) {
        struct sock_filter code[] = {{BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)(SKF_AD_OFF + SKF_AD_CPU)},
                                     {BPF_RET | BPF_A, 0, 0, 0}};
        struct sock_fprog program = {.len = 2, .filter = code};
        if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program) < 0)
            perror("SO_ATTACH_REUSEPORT_CBPF");
    }
    return fd;
}

/* ---- the clients ---- */

static void *ask(void *ctx)
{
    struct client *c = ctx;
    uint8_t question[QUESTION] = {0}, answer[512];
    int sockets = c->v->single ? 2 * CLIENTS : CLIENTS, each = c->v->single ? 1 : 2;
    struct timeval patience = {.tv_usec = 50000};
    pin(c->cpu);
    for (int i = 0; i < sockets; i++) {
        c->fd[i] = socket(AF_INET, SOCK_DGRAM, 0);
        setsockopt(c->fd[i], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        if (connect(c->fd[i], (struct sockaddr *)&c->to, sizeof c->to) < 0)
            exit(1);
    }
    do {
        for (int i = 0; i < sockets; i++)
            for (int k = 0; k < each; k++)
                send(c->fd[i], question, sizeof question, 0);
        for (int i = 0; i < sockets; i++)
            for (int k = 0; k < each; k++) {
                bool came = recv(c->fd[i], answer, sizeof answer, 0) == ANSWER;
                c->answers += came;
                c->lost += !came;
            }
    } while (now() < c->until);
    for (int i = 0; i < sockets; i++)
        close(c->fd[i]);
    return NULL;
}

/* ---- rounds ---- */

static uint64_t cpu_ns(int tid)
{
    char path[64];
    unsigned long long ns = 0;
    snprintf(path, sizeof path, "/proc/self/task/%d/schedstat", tid);
    FILE *f = fopen(path, "r");
    if (f == NULL || fscanf(f, "%llu", &ns) != 1)
        exit(1);
    fclose(f);
    return ns;
}

/* Microseconds of the servers' CPU an answer. */
static double measure(const struct variant *v, double seconds, int servers, int client_cpu, uint64_t *lost)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct server s[SERVERS] = {0};
    struct client c[SERVERS] = {0};
    pthread_t serving[SERVERS], asking[SERVERS];
    for (int i = 0; i < servers; i++) {
        s[i] = (struct server){.v = v, .cpu = i, .fd = listen_on(v, &a, i)};
        pthread_create(&serving[i], NULL, serve, &s[i]);
        while (__atomic_load_n(&s[i].tid, __ATOMIC_ACQUIRE) == 0)
            usleep(100);
        s[i].cpu_before = cpu_ns(s[i].tid);
    }
    for (int i = 0; i < servers; i++) {
        c[i] =
            (struct client){.v = v, .cpu = servers > 1 ? i : client_cpu, .to = a, .until = now() + seconds};
        pthread_create(&asking[i], NULL, ask, &c[i]);
    }
    uint64_t answers = 0, ns = 0;
    for (int i = 0; i < servers; i++) {
        pthread_join(asking[i], NULL);
        answers += c[i].answers;
        *lost += c[i].lost;
    }
    for (int i = 0; i < servers; i++) {
        ns += cpu_ns(s[i].tid) - s[i].cpu_before;
        shutdown(s[i].fd, SHUT_RD);
        pthread_join(serving[i], NULL);
        close(s[i].fd);
    }
    return (double)ns / 1000 / (double)answers;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    int rounds = atoi(argv[1]), servers = strcmp(argv[3], "two") == 0 ? 2 : 1,
        client_cpu = strcmp(argv[3], "split") == 0;
    const struct variant *list = servers == 2 ? steered : variants;
    int n = servers == 2 ? (int)(sizeof steered / sizeof steered[0])
                         : (int)(sizeof variants / sizeof variants[0]);
    double *us = calloc((size_t)(rounds * VARIANTS), sizeof *us),
           *ratio = calloc((size_t)rounds, sizeof *ratio);
    uint64_t lost[VARIANTS] = {0};
    for (int r = 0; r < rounds; r++)
        for (int k = 0; k < n; k++) {
            int v = r % 2 == 0 ? k : n - 1 - k;
            us[v * rounds + r] = measure(&list[v], atof(argv[2]), servers, client_cpu, &lost[v]);
        }
    printf("| %s, %d rounds of %s s | CPU us an answer | ratio to the first: least / median / most | lost "
           "|\n|---|---|---|---|\n",
           argv[3], rounds, argv[2]);
    for (int v = 0; v < n; v++) {
        for (int r = 0; r < rounds; r++)
            ratio[r] = us[v * rounds + r] / us[r];
        qsort(ratio, (size_t)rounds, sizeof *ratio, compare);
        double least = ratio[0], median = ratio[rounds / 2], most = ratio[rounds - 1];
        memcpy(ratio, us + v * rounds, (size_t)rounds * sizeof *ratio);
        qsort(ratio, (size_t)rounds, sizeof *ratio, compare);
        printf("| %s | %.2f | %.2f / %.2f / %.2f | %llu |\n", list[v].name, ratio[rounds / 2], least, median,
               most, (unsigned long long)lost[v]);
    }
    return 0;
}
