/*
 * bind: which addresses a server block listens on.
 *
 *     bind ADDRESS|INTERFACE...
 *     bind ADDRESS|INTERFACE... {
 *         except ADDRESS...
 *     }
 *
 * An interface stands for all of its addresses. Example: `bind 127.0.0.1 eth0`.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve/config.h"

#define ADDRESSES_MAX 256 /* of one block: more than a host has */

struct addresses {
    char text[ADDRESSES_MAX][ADDRESS_TEXT_MAX];
    size_t count;
};

struct bind_state {
    char **addresses;
    size_t count;
};

/* An address in its one canonical spelling, so that two ways of writing it do not make two sockets; false
 * where the word is none. */
static bool read_address(const char *word, char out[ADDRESS_TEXT_MAX])
{
    char text[ADDRESS_TEXT_MAX], canonical[INET6_ADDRSTRLEN];
    uint8_t octets[16];
    size_t len = strcspn(word, "%");
    snprintf(text, sizeof text, "%.*s", (int)len, word);
    int family = inet_pton(AF_INET, text, octets) == 1 ? AF_INET : AF_INET6;
    if (inet_pton(family, text, octets) != 1 ||
        inet_ntop(family, octets, canonical, sizeof canonical) == NULL)
        return false;
    return (size_t)snprintf(out, ADDRESS_TEXT_MAX, "%s%s", canonical, word + len) < ADDRESS_TEXT_MAX;
}

static bool is_excepted(const struct directive *d, const char *word, const char *text)
{
    for (size_t i = 0; i < d->nbody; i++)
        for (size_t k = 0; k < d->body[i].nargs; k++)
            if (strcmp(d->body[i].args[k], text) == 0 || strcmp(d->body[i].args[k], word) == 0)
                return true;
    return false;
}

static int add_address(struct addresses *all, const struct directive *d, const char *word, const char *text,
                       struct errtext *e)
{
    if (is_excepted(d, word, text))
        return ERR_OK;
    for (size_t i = 0; i < all->count; i++)
        if (strcmp(all->text[i], text) == 0)
            return ERR_OK;
    if (all->count == ADDRESSES_MAX)
        return args_error(e, "bind", d, "more than %d addresses", ADDRESSES_MAX);
    snprintf(all->text[all->count++], ADDRESS_TEXT_MAX, "%s", text);
    return ERR_OK;
}

static int add_interface(struct addresses *all, const struct directive *d, const char *name,
                         struct errtext *e)
{
    struct ifaddrs *list = NULL;
    bool found = false;
    int ret = ERR_OK;
    if (getifaddrs(&list) < 0)
        return args_error(e, "bind", d, "the machine's addresses cannot be listed (%s)", strerror(errno));
    for (const struct ifaddrs *i = list; ret == ERR_OK && i != NULL; i = i->ifa_next) {
        if (i->ifa_addr == NULL || strcmp(i->ifa_name, name) != 0)
            continue;
        if (i->ifa_addr->sa_family != AF_INET && i->ifa_addr->sa_family != AF_INET6)
            continue;
        union address a = {0};
        memcpy(&a, i->ifa_addr, i->ifa_addr->sa_family == AF_INET6 ? sizeof a.in6 : sizeof a.in);
        char text[ADDRESS_TEXT_MAX], scoped[ADDRESS_TEXT_MAX + IF_NAMESIZE + 1];
        address_text(&a, text);
        bool link_local = a.sa.sa_family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&a.in6.sin6_addr);
        snprintf(scoped, sizeof scoped, "%s%s%s", text, link_local ? "%" : "", link_local ? name : "");
        found = true;
        ret = add_address(all, d, name, scoped, e);
    }
    freeifaddrs(list);
    if (ret == ERR_OK && !found)
        return args_error(e, "bind", d, "expected an address or the name of an interface, found '%s'", name);
    return ret;
}

static void bind_free(void *ctx)
{
    struct bind_state *state = ctx;
    for (size_t i = 0; state != NULL && i < state->count; i++)
        free(state->addresses[i]);
    if (state != NULL)
        free(state->addresses);
    free(state);
}

static int collect(const struct directive *d, struct addresses *all, struct errtext *e)
{
    if (d->nargs == 0)
        return args_error(e, "bind", d, "expected at least one address or interface");
    for (size_t i = 0; i < d->nbody; i++)
        if (strcmp(d->body[i].name, "except") != 0 || d->body[i].nargs == 0)
            return args_error(e, "bind", &d->body[i], "expected 'except ADDRESS...', found '%s'",
                              d->body[i].name);
    for (size_t i = 0; i < d->nargs; i++) {
        char address[ADDRESS_TEXT_MAX];
        int ret = read_address(d->args[i], address) ? add_address(all, d, d->args[i], address, e)
                                                    : add_interface(all, d, d->args[i], e);
        if (ret != ERR_OK)
            return ret;
    }
    if (all->count == 0)
        return args_error(e, "bind", d, "no address is left to listen on");
    return ERR_OK;
}

static int bind_setup(const struct plugin_setup *s, const struct directive *d, void **out, struct errtext *e)
{
    struct addresses *all = calloc(1, sizeof *all);
    struct bind_state *state = calloc(1, sizeof *state);
    int ret = all == NULL || state == NULL ? -ENOMEM : collect(d, all, e);
    if (ret == ERR_OK && (state->addresses = calloc(all->count, sizeof *state->addresses)) == NULL)
        ret = -ENOMEM;
    for (size_t i = 0; ret == ERR_OK && i < all->count; i++) {
        state->addresses[i] = strdup(all->text[i]);
        state->count = i + 1;
        if (state->addresses[i] == NULL)
            ret = -ENOMEM;
    }
    free(all);
    if (ret != ERR_OK) {
        bind_free(state);
        return ret;
    }
    s->block->bind = (const char *const *)state->addresses;
    s->block->nbind = state->count;
    *out = state;
    return ERR_OK;
}

const struct plugin plugin_bind = {.name = "bind", .setup = bind_setup, .free = bind_free};
