/*
 * The zone file: an RFC 1035 master file, one record a line with absolute names, in canonical order (the SOA
 * first), between a header and a trailer of comments, so that any other name server loads it as it is:
 *
 *     ; seamark zone file 1
 *     ; zone: cluster.local.
 *     ; serial: 1763878800
 *     ; records: 4711
 *     ; rendered: 2026-11-23T06:20:24.123Z
 *     ; source: https://10.96.0.1:443 ttl=30 pods=insecure ...   (kubernetes_block_identity)
 *     ; cluster: 6f9619ff-8b86-d011-b42d-00c04fc964ff            (UID of the namespace kube-system)
 *     ; versions: namespaces=1001 services=1002 endpointslices=1003
 *     cluster.local.	30	IN	SOA	ns.dns.cluster.local. hostmaster.cluster.local. 1763878800
 * 7200 1800 86400 30
 *     ...
 *     ; end: 4711 records, crc32 1a2b3c4d
 *
 * The checksum is zlib's crc32 over every octet before the trailer line. A file without its trailer, or with
 * another sum or count, is damaged: it is refused whole. DIR/<zone>.zone; the zone's presentation form
 * without its final dot is the file name, with `/`, `+`, `%` and control octets escaped as %XX; the root zone
 * is `root`.
 *
 * A zone may be rendered in more than one view of the same cluster, and two views may have an apex in common
 * (10.in-addr.arpa of `kubernetes` and of `k8s_external`): each view but the ordinary one has files of its
 * own, DIR/<zone>+<view>.zone.
 */
#ifndef SEAMARK_ZONE_ZONEFILE_H
#define SEAMARK_ZONE_ZONEFILE_H

#include "base/err.h"
#include "base/fsio.h"
#include "zone/zone.h"

#define ZONEFILE_HEADER_MAX 4096 /* octets of one header value */

struct zonefile_header {
    char zone[NAME_MAX_TEXT];
    uint32_t serial;
    uint64_t records;
    char rendered[64];
    char source[ZONEFILE_HEADER_MAX];
    char cluster[128];
    char versions[512];
};

/* Path of a zone's file in `folder` with the suffix ".zone" or ".journal". `view` is the view's name
 * (letters; less than ZONEFILE_VIEW_MAX octets), or "" for the ordinary one. ERR_LIMIT where it does not fit.
 */
int zonefile_path(const char *folder, const uint8_t *apex, const char *view, const char *suffix, char *out,
                  size_t out_len);

/* The zone as logs name it: "10.in-addr.arpa.", "10.in-addr.arpa. (external)". Returns `out`. */
#define ZONEFILE_VIEW_MAX  16 /* octets of a view's name with its NUL */
#define ZONEFILE_TITLE_MAX (NAME_MAX_TEXT + ZONEFILE_VIEW_MAX + 3)
char *zonefile_title(const uint8_t *apex, const char *view, char out[ZONEFILE_TITLE_MAX]);

/* ---- writing (seamark-sync) ---- */
struct zonefile_writer {
    struct fsio_replace file;
    uint32_t crc;
    uint64_t records;
    uint64_t expected; /* as the header says, or 0 */
    struct bytes line; /* text not yet written */
    int error;         /* sticky */
};
/* header->records is not known yet and is written by the trailer alone where it is 0. On failure there is
 * nothing to commit or abort. Any failure of a later call sticks: commit then fails and the old file stands.
 */
int zonefile_write_begin(struct zonefile_writer *w, const char *path, const struct zonefile_header *header);
int zonefile_write_rr(struct zonefile_writer *w, const struct rr *rr); /* in canonical order */
int zonefile_write_commit(struct zonefile_writer *w); /* durable replace; frees in every case */
void zonefile_write_abort(struct zonefile_writer *w);

/* ---- reading ---- */
/* Reads the header alone. ERR_MALFORMED where it is no zone file of ours, -errno. */
int zonefile_read_header(const char *path, struct zonefile_header *out, struct errtext *e);

/* Calls visit for every record in file order; stops where it returns non-zero and returns that. Checks count
 * and checksum at the end: records have been visited by then, so build aside and drop on failure. */
int zonefile_read(const char *path, struct zonefile_header *header,
                  int (*visit)(const struct rr *rr, void *ctx), void *ctx, struct errtext *e);

/* Loads a whole file into a new zone. `*out` is written only on success. Errors name file, line and what was
 * wrong. */
int zonefile_load(const char *path, const uint8_t *apex, struct zonefile_header *header, struct zone **out,
                  struct errtext *e);

#endif
