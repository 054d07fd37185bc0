#include "zone/zone_wildcard.h"

#include <string.h>

#include "zone/node_p.h"

static const struct node *find(const struct zone_version *v, const uint8_t *lname, size_t len)
{
    return zone_find(v, lname, len, name_hash(lname, len));
}

/* The longest ancestor that exists. From the apex down: whatever exists has ancestors that do, so the first
 * that is missing ends the search, and a name of many labels costs no more than one of few. */
static const struct node *closest_encloser(const struct zone_version *v, const uint8_t *lname, size_t len)
{
    const struct node *encloser = zone_apex_node(v);
    uint8_t starts[NAME_MAX_LEN / 2]; /* of the labels in front of the apex */
    unsigned count = 0;
    for (size_t at = 0; at < len - encloser->name_len; at += 1u + lname[at])
        starts[count++] = (uint8_t)at;
    while (count-- > 1) {
        const struct node *n = find(v, lname + starts[count], len - starts[count]);
        if (n == NULL)
            break;
        encloser = n;
    }
    return encloser;
}

const struct node *zone_wildcard(const struct zone_version *v, const uint8_t *lname, size_t len)
{
    if (!zone_has_wildcards(v))
        return NULL;
    const struct node *encloser = closest_encloser(v, lname, len);
    uint8_t name[2 + NAME_MAX_LEN] = {1, '*'};
    if (encloser->children == 0 || encloser->name_len > NAME_MAX_LEN - 2)
        return NULL;
    memcpy(name + 2, node_name(encloser), encloser->name_len);
    return find(v, name, 2u + encloser->name_len);
}
