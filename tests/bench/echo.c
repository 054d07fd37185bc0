/*
 * What a datagram costs when nothing is done with it: recvmmsg and sendmmsg, up to 32 at once, a socket and a
 * thread for each worker. Sets QR and sends the packet back. tests/bench/parts/answers.py runs it beside the
 * servers.
 *
 *     echo ADDRESS PORT WORKERS        says "ready" when its sockets are there; ends by a signal
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH       32
#define PACKET      2048
#define WORKERS_MAX 64
#define BUFFER      (4 << 20)

static int open_socket(const char *address, int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    int on = 1;
    int room = BUFFER;
    if (s < 0 || inet_pton(AF_INET, address, &at.sin_addr) != 1 ||
        setsockopt(s, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0 ||
        bind(s, (const struct sockaddr *)&at, sizeof at) < 0) {
        perror("echo");
        exit(1);
    }
    setsockopt(s, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    return s;
}

static void *work(void *arg)
{
    int s = *(const int *)arg;
    static __thread unsigned char packets[BATCH][PACKET];
    struct sockaddr_in from[BATCH];
    struct iovec parts[BATCH];
    struct mmsghdr messages[BATCH];
    for (;;) {
        for (int i = 0; i < BATCH; i++) {
            parts[i] = (struct iovec){packets[i], PACKET};
            messages[i] = (struct mmsghdr){.msg_hdr = {.msg_name = &from[i],
                                                       .msg_namelen = sizeof from[i],
                                                       .msg_iov = &parts[i],
                                                       .msg_iovlen = 1}};
        }
        int count = recvmmsg(s, messages, BATCH, MSG_WAITFORONE, NULL);
        for (int i = 0; i < count; i++) {
            parts[i].iov_len = messages[i].msg_len;
            packets[i][2] |= 0x80;
        }
        for (int sent = 0; sent < count;) {
            int now = sendmmsg(s, messages + sent, (unsigned)(count - sent), 0);
            sent += now > 0 ? now : 1;
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    static int sockets[WORKERS_MAX];
    int workers = argc == 4 ? (int)strtol(argv[3], NULL, 10) : 0;
    if (workers < 1 || workers > WORKERS_MAX) {
        fprintf(stderr, "usage: echo ADDRESS PORT WORKERS\n");
        return 2;
    }
    for (int i = 0; i < workers; i++)
        sockets[i] = open_socket(argv[1], (int)strtol(argv[2], NULL, 10));
    puts("ready");
    fflush(stdout);
    for (int i = 1; i < workers; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, work, &sockets[i]) != 0)
            return 1;
    }
    work(&sockets[0]);
    return 0;
}
