/*
 * Datagrams out, in batches. Neighbours that go to one client leave in one send, which the kernel cuts up
 * again (UDP_SEGMENT, Linux 4.18): the C libraries ask for A and AAAA from one socket at once, and half of
 * what an answer costs is the way through the kernel. That takes datagrams of one length, of which the last
 * may be shorter; of two the longer one goes first. Where the kernel refuses (a device without checksums of
 * its own, IPsec, a small MTU) they are sent one by one, and from then on all are. In the worker's thread.
 */
#ifndef SEAMARK_SERVE_UDP_SEND_H
#define SEAMARK_SERVE_UDP_SEND_H

#include <sys/socket.h>

#define UDP_SEND_BATCH 32 /* datagrams at a time */

/* Memory of one worker. NULL without memory; free with free(). */
struct udp_sender;
struct udp_sender *udp_sender_new(void);

/* Sends at most UDP_SEND_BATCH datagrams, each of one piece and with no more control data than the address
 * that it leaves from. Waits for nothing: what cannot be sent is dropped, as the network might. */
void udp_send(struct udp_sender *s, int fd, struct mmsghdr *m, unsigned count);

#endif
