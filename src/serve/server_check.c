/* -check: does the configuration load, and are the zone files that it would serve whole? The same code as at
 * start. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conf/kubernetes_block.h"
#include "serve/server.h"
#include "zone/zonefile.h"

static int check_zone(const char *folder, const char *zone, const char *identity)
{
    uint8_t apex[NAME_MAX_LEN];
    char path[4096];
    struct zonefile_header header;
    struct errtext e = {0};
    if (name_from_text(zone, strlen(zone), apex) < 0 ||
        zonefile_path(folder, apex, ".zone", path, sizeof path) != ERR_OK)
        return 1;
    if (access(path, F_OK) < 0) {
        printf("%s: no zone file yet\n", path);
        return 0;
    }
    struct zone *z = NULL;
    int ret = zonefile_load(path, apex, &header, &z, &e);
    if (ret != ERR_OK) {
        fprintf(stderr, "%s\n", e.text[0] != '\0' ? e.text : err_text(ret));
        return 1;
    }
    zone_free(z);
    if (strcmp(header.source, identity) != 0) {
        fprintf(stderr,
                "%s: rendered from another source or with other options: it says \"%s\", the configuration "
                "\"%s\"\n",
                path, header.source, identity);
        return 1;
    }
    printf("%s: %llu records, serial %u\n", path, (unsigned long long)header.records, header.serial);
    return 0;
}

static int check_block(const char *folder, const struct server_block *b, const struct directive *d)
{
    struct kubernetes_block k;
    struct errtext e = {0};
    struct bytes identity;
    bytes_init(&identity, 1 << 20);
    int status = 0;
    if (kubernetes_block_parse(b, d, &k, &e) != ERR_OK) {
        fprintf(stderr, "%s\n", e.text);
        return 1;
    }
    if (kubernetes_block_identity(&k, &identity) != ERR_OK)
        status = 1;
    for (size_t i = 0; status == 0 && i < k.zones.count; i++)
        status = check_zone(folder, k.zones.zones[i], identity.data);
    bytes_free(&identity);
    kubernetes_block_free(&k);
    return status;
}

int server_check(const struct server_options *o)
{
    struct config *c = NULL;
    struct errtext e = {0};
    int ret = server_load(o, &c, &e);
    if (ret != ERR_OK) {
        fprintf(stderr, "%s\n", e.text[0] != '\0' ? e.text : err_text(ret));
        return 1;
    }
    int status = 0;
    for (size_t i = 0; i < c->nblocks; i++)
        for (size_t k = 0; k < c->blocks[i].source->ndirectives; k++) {
            const struct directive *d = &c->blocks[i].source->directives[k];
            if (strcmp(d->name, "kubernetes") == 0 &&
                check_block(o->config.zones_folder, c->blocks[i].source, d) != 0)
                status = 1;
        }
    config_unref(c);
    if (status == 0)
        printf("%s: configuration is good\n", o->conf != NULL ? o->conf : "(default)");
    return status;
}
