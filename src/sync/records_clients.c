/*
 * Records of the view of clients: for each address of a pod one name, ADDRESS-DASHED.Z, with a TXT record for
 * each thing known of the pod: "namespace=shop", "pod=web-1", "label/app=web". What is longer than a string
 * of a TXT record (255 octets) goes on in the next one (as RFC 7208 section 3.3 has it).
 */
#include <stdio.h>
#include <string.h>

#include "sync/records_label.h"
#include "sync/records_p.h"

#define STRING_MAX 255

/* A TXT record of `prefix` and `value`, which are bounded by KUBE_TEXT_MAX. */
static void add_text(struct record_set *out, const struct record_zone *z, const uint8_t *owner,
                     const char *prefix, const char *value)
{
    char text[4096];
    uint8_t rdata[sizeof text + sizeof text / STRING_MAX + 1];
    size_t at = 0;
    int len = snprintf(text, sizeof text, "%s%s", prefix, value);
    if (len < 0 || (size_t)len >= sizeof text)
        return;
    for (size_t done = 0, piece; done < (size_t)len; done += piece) {
        piece = (size_t)len - done < STRING_MAX ? (size_t)len - done : STRING_MAX;
        rdata[at++] = (uint8_t)piece;
        memcpy(rdata + at, text + done, piece);
        at += piece;
    }
    record_set_add(out, owner, RR_TXT, z->ttl, rdata, at);
}

void records_of_client(const struct record_zone *z, const struct store *s, const struct ip *ip,
                       struct record_set *out)
{
    uint8_t owner[NAME_MAX_LEN];
    char label[LABEL_TEXT_MAX];
    struct store_client client;
    if (z->kind != RECORD_ZONE_CLIENTS || !store_find_client(s, ip, &client))
        return;
    label_from_pod_ip(ip, label);
    if (!records_prepend(owner, label, z->apex))
        return;
    add_text(out, z, owner, "namespace=", client.namespace);
    if (client.pod != NULL)
        add_text(out, z, owner, "pod=", client.pod);
    for (const char *at = client.labels; *at != '\0'; at += strlen(at) + 1)
        add_text(out, z, owner, "label/", at);
}

bool record_rules_have_clients(const struct record_rules *rules)
{
    for (size_t i = 0; i < rules->nzones; i++)
        if (rules->zones[i].kind == RECORD_ZONE_CLIENTS)
            return true;
    return false;
}

int records_compare_clients(const void *a, const void *b)
{
    char x[LABEL_TEXT_MAX], y[LABEL_TEXT_MAX];
    label_from_pod_ip(a, x);
    label_from_pod_ip(b, y);
    return strcmp(x, y); /* a label's end sorts before all octets that a label may have, as does a NUL */
}
