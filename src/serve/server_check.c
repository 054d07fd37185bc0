/* -check: does the configuration load, and are the zone files that it would serve whole? The same code as at
 * start. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conf/cluster_block.h"
#include "serve/server.h"
#include "zone/zonefile.h"

static int check_zone(const char *folder, const struct zone_view *zone, const char *identity)
{
    uint8_t apex[NAME_MAX_LEN];
    char path[4096];
    struct zonefile_header header;
    struct errtext e = {0};
    if (name_from_text(zone->zone, strlen(zone->zone), apex) < 0 ||
        zonefile_path(folder, apex, zone->view, ".journal", path, sizeof path) != ERR_OK ||
        zonefile_path(folder, apex, zone->view, ".zone", path, sizeof path) != ERR_OK) {
        fprintf(stderr, "zone %s: its name is too long for a file\n", zone->zone);
        return 1;
    }
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

static int check_block(const char *folder, const struct corefile *file, const struct server_block *b,
                       const struct directive *d)
{
    struct cluster_block c;
    struct errtext e = {0};
    struct bytes identity;
    bytes_init(&identity, CLUSTER_IDENTITY_MAX);
    int status = 0;
    if (cluster_block_parse(file, b, d, &c, &e) != ERR_OK) {
        fprintf(stderr, "%s\n", e.text);
        return 1;
    }
    for (size_t i = 0; status == 0 && i < cluster_block_zones(&c); i++) {
        struct zone_view zone = cluster_block_zone(&c, i);
        bytes_reset(&identity);
        status = cluster_block_identity(&c, zone.view, &identity) == ERR_OK
                     ? check_zone(folder, &zone, identity.data)
                     : 1;
    }
    bytes_free(&identity);
    cluster_block_free(&c);
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
                check_block(o->config.zones_folder, c->corefile, c->blocks[i].source, d) != 0)
                status = 1;
        }
    config_unref(c);
    if (status == 0)
        printf("%s: configuration is good\n", o->conf != NULL ? o->conf : "(default)");
    return status;
}
