/* Reading and looking up hosts files; src/plugins/hosts.c is the plugin. */
#include "serve/hosts_table.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "dns/name.h"

/* A name and one of its addresses. Kept in order of (hash, name, family, place in the file), so that the
 * addresses of a name lie side by side; a second array gives the same in order of (family, address, place).
 */
struct entry {
    uint64_t hash;
    size_t name; /* where it is in names */
    uint32_t place;
    uint8_t name_len;
    bool six;
    bool wildcard;
    uint8_t address[16];
};

struct hosts_table {
    struct entry *entries;
    size_t count;
    uint32_t *by_address; /* nreverse indices of entries */
    size_t nreverse;
    uint8_t *names;
    size_t names_len;
    size_t cap;
    size_t names_cap;
    bool wildcards; /* there are such */
};

void hosts_table_free(struct hosts_table *t)
{
    if (t == NULL)
        return;
    free(t->entries);
    free(t->by_address);
    free(t->names);
    free(t);
}

/* ---- reading ---- */

/* "::ffff:10.0.0.1" is an IPv4 address, as in Go. */
static bool read_address(const char *word, size_t len, uint8_t out[16], bool *six)
{
    char text[64];
    const char *zone = memchr(word, '%', len);
    if (zone != NULL)
        len = (size_t)(zone - word);
    if (len >= sizeof text)
        return false;
    memcpy(text, word, len);
    text[len] = '\0';
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    *six = false;
    if (inet_pton(AF_INET, text, out) == 1)
        return true;
    if (inet_pton(AF_INET6, text, out) != 1)
        return false;
    *six = memcmp(out, mapped, sizeof mapped) != 0;
    if (!*six)
        memmove(out, out + 12, 4);
    return true;
}

static int grow(void **data, size_t *cap, size_t need, size_t size)
{
    if (need <= *cap)
        return ERR_OK;
    size_t fresh = *cap < 64 ? 64 : *cap + *cap / 2;
    if (fresh < need)
        fresh = need;
    void *grown = realloc(*data, fresh * size);
    if (grown == NULL)
        return -ENOMEM;
    *data = grown;
    *cap = fresh;
    return ERR_OK;
}

static int add_entry(struct hosts_table *t, const uint8_t *lname, const uint8_t *address, bool six)
{
    size_t len = name_len(lname);
    if (t->count == HOSTS_ENTRIES_MAX)
        return ERR_LIMIT;
    void *entries = t->entries, *names = t->names;
    int ret = grow(&entries, &t->cap, t->count + 1, sizeof *t->entries);
    t->entries = entries;
    if (ret == ERR_OK)
        ret = grow(&names, &t->names_cap, t->names_len + len, 1);
    t->names = names;
    if (ret != ERR_OK)
        return ret;
    struct entry *e = &t->entries[t->count];
    *e = (struct entry){.hash = name_hash(lname, len),
                        .name = t->names_len,
                        .place = (uint32_t)t->count,
                        .name_len = (uint8_t)len,
                        .six = six,
                        .wildcard = lname[0] == 1 && lname[1] == '*'};
    t->wildcards = t->wildcards || e->wildcard;
    memcpy(e->address, address, six ? 16 : 4);
    memcpy(t->names + t->names_len, lname, len);
    t->names_len += len;
    t->count++;
    return ERR_OK;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f' || c == '\0';
}

/* The next word of a line, NULL at its end; steps over it. */
static const char *next_word(const char **at, const char *end, size_t *len)
{
    while (*at < end && is_blank(**at))
        (*at)++;
    const char *word = *at;
    while (*at < end && !is_blank(**at))
        (*at)++;
    *len = (size_t)(*at - word);
    return *len == 0 ? NULL : word;
}

static int read_line(struct hosts_table *t, const char *at, const char *end, const struct hosts_scope *scope)
{
    const char *comment = memchr(at, '#', (size_t)(end - at));
    if (comment != NULL)
        end = comment;
    size_t len;
    uint8_t address[16], name[NAME_MAX_LEN];
    bool six;
    const char *word = next_word(&at, end, &len);
    if (word == NULL || !read_address(word, len, address, &six))
        return ERR_OK;
    while ((word = next_word(&at, end, &len)) != NULL) {
        if (name_from_text(word, len, name) < 0)
            continue;
        name_lower(name, name);
        if (!zone_scope_has(&scope->names, name))
            continue;
        int ret = add_entry(t, name, address, six);
        if (ret != ERR_OK)
            return ret;
    }
    return ERR_OK;
}

/* ---- order ---- */

static int compare_name(const struct hosts_table *t, const struct entry *e, uint64_t hash,
                        const uint8_t *lname, size_t len)
{
    if (e->hash != hash)
        return e->hash < hash ? -1 : 1;
    if (e->name_len != len)
        return e->name_len < len ? -1 : 1;
    return memcmp(t->names + e->name, lname, len);
}

static int compare_address(const struct entry *e, const uint8_t *address, bool six)
{
    if (e->six != six)
        return e->six ? 1 : -1;
    return memcmp(e->address, address, six ? 16 : 4);
}

static int in_order_of_name(const void *a, const void *b, void *ctx)
{
    const struct hosts_table *t = ctx;
    const struct entry *x = a, *y = b;
    int ret = compare_name(t, x, y->hash, t->names + y->name, y->name_len);
    if (ret == 0)
        ret = (int)x->six - (int)y->six;
    return ret != 0 ? ret : (x->place < y->place ? -1 : 1);
}

static int in_order_of_address(const void *a, const void *b, void *ctx)
{
    const struct hosts_table *t = ctx;
    const struct entry *x = &t->entries[*(const uint32_t *)a], *y = &t->entries[*(const uint32_t *)b];
    int ret = compare_address(x, y->address, y->six);
    return ret != 0 ? ret : (x->place < y->place ? -1 : 1);
}

static int put_in_order(struct hosts_table *t, bool reverse)
{
    if (t->count == 0)
        return ERR_OK;
    qsort_r(t->entries, t->count, sizeof *t->entries, in_order_of_name, t);
    if (!reverse)
        return ERR_OK;
    t->by_address = malloc(t->count * sizeof *t->by_address);
    if (t->by_address == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < t->count; i++)
        if (!t->entries[i].wildcard)
            t->by_address[t->nreverse++] = (uint32_t)i;
    qsort_r(t->by_address, t->nreverse, sizeof *t->by_address, in_order_of_address, t);
    return ERR_OK;
}

int hosts_table_read(const char *text, size_t len, const struct hosts_scope *scope, struct hosts_table **out)
{
    struct hosts_table *t = calloc(1, sizeof *t);
    int ret = t == NULL ? -ENOMEM : ERR_OK;
    const char *end = text + len;
    for (const char *at = text; ret == ERR_OK && at < end;) {
        const char *lf = memchr(at, '\n', (size_t)(end - at));
        const char *line_end = lf == NULL ? end : lf;
        ret = read_line(t, at, line_end, scope);
        at = lf == NULL ? end : lf + 1;
    }
    if (ret == ERR_OK)
        ret = put_in_order(t, scope->reverse);
    if (ret != ERR_OK) {
        hosts_table_free(t);
        return ret;
    }
    *out = t;
    return ERR_OK;
}

size_t hosts_table_entries(const struct hosts_table *t)
{
    return t->count + t->nreverse;
}

/* ---- looking up ---- */

/* The first entry of the name and family, or where it would stand. */
static size_t lower_bound(const struct hosts_table *t, const uint8_t *lname, size_t len, uint64_t hash,
                          bool six)
{
    size_t low = 0, high = t->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int c = compare_name(t, &t->entries[mid], hash, lname, len);
        if (c < 0 || (c == 0 && six && !t->entries[mid].six))
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static struct hosts_run find_name(const struct hosts_table *t, const uint8_t *lname, bool six)
{
    size_t len = name_len(lname);
    uint64_t hash = name_hash(lname, len);
    struct hosts_run run = {.table = t, .first = lower_bound(t, lname, len, hash, six)};
    for (size_t i = run.first;
         i < t->count && t->entries[i].six == six && compare_name(t, &t->entries[i], hash, lname, len) == 0;
         i++)
        run.count++;
    return run;
}

/* The name of the wildcard above a name of `len` octets: its length, 0 where a name of one label has none. */
static size_t wildcard_above(const uint8_t *lname, size_t len, uint8_t out[NAME_MAX_LEN + 2])
{
    size_t first = 1u + lname[0];
    if (lname[0] == 0 || lname[first] == 0)
        return 0;
    out[0] = 1;
    out[1] = '*';
    memcpy(out + 2, lname + first, len - first);
    return 2 + len - first;
}

struct hosts_run hosts_addresses(const struct hosts_table *t, const uint8_t *lname, bool six)
{
    uint8_t wildcard[NAME_MAX_LEN + 2];
    struct hosts_run run = find_name(t, lname, six);
    if (run.count > 0 || wildcard_above(lname, name_len(lname), wildcard) == 0)
        return run;
    return find_name(t, wildcard, six);
}

static bool has_entry(const struct hosts_table *t, const uint8_t *lname, size_t len, uint64_t hash)
{
    size_t at = lower_bound(t, lname, len, hash, false);
    return at < t->count && compare_name(t, &t->entries[at], hash, lname, len) == 0;
}

bool hosts_table_has(const struct hosts_table *t, const uint8_t *lname, size_t len, uint64_t hash)
{
    uint8_t wildcard[NAME_MAX_LEN + 2];
    if (has_entry(t, lname, len, hash))
        return true;
    size_t above = t->wildcards ? wildcard_above(lname, len, wildcard) : 0;
    return above > 0 && has_entry(t, wildcard, above, name_hash(wildcard, above));
}

const uint8_t *hosts_address(const struct hosts_run *run, size_t i)
{
    return run->table->entries[run->first + i].address;
}

struct hosts_run hosts_names(const struct hosts_table *t, const uint8_t *address, bool six)
{
    size_t low = 0, high = t->nreverse;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (compare_address(&t->entries[t->by_address[mid]], address, six) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    struct hosts_run run = {.table = t, .first = low};
    while (low + run.count < t->nreverse &&
           compare_address(&t->entries[t->by_address[low + run.count]], address, six) == 0)
        run.count++;
    return run;
}

const uint8_t *hosts_name(const struct hosts_run *run, size_t i)
{
    const struct hosts_table *t = run->table;
    return t->names + t->entries[t->by_address[run->first + i]].name;
}

/* ---- reverse names ---- */

static const uint8_t four_suffix[] = {7, 'i', 'n', '-', 'a', 'd', 'd', 'r', 4, 'a', 'r', 'p', 'a', 0};
static const uint8_t six_suffix[] = {3, 'i', 'p', '6', 4, 'a', 'r', 'p', 'a', 0};

/* A label that is a decimal number to 255 without leading zeros; -1 otherwise. */
static int read_octet(const uint8_t *label)
{
    int value = 0;
    if (label[0] < 1 || label[0] > 3 || (label[0] > 1 && label[1] == '0'))
        return -1;
    for (unsigned i = 1; i <= label[0]; i++) {
        if (label[i] < '0' || label[i] > '9')
            return -1;
        value = value * 10 + (label[i] - '0');
    }
    return value <= 255 ? value : -1;
}

static int read_nibble(const uint8_t *label)
{
    if (label[0] != 1)
        return -1;
    if (label[1] >= '0' && label[1] <= '9')
        return label[1] - '0';
    return label[1] >= 'a' && label[1] <= 'f' ? label[1] - 'a' + 10 : -1;
}

bool hosts_reverse_address(const uint8_t *lname, uint8_t *out, bool *six)
{
    uint8_t address[16] = {0};
    unsigned labels = name_label_count(lname);
    *six = labels == 34;
    if (labels != 6 && labels != 34)
        return false;
    const uint8_t *at = lname;
    for (unsigned i = labels - 2; i-- > 0; at += 1 + at[0]) {
        int value = *six ? read_nibble(at) : read_octet(at);
        if (value < 0)
            return false;
        if (*six)
            address[i / 2] |= (uint8_t)(i % 2 == 0 ? value << 4 : value);
        else
            address[i] = (uint8_t)value;
    }
    if (!name_equal(at, *six ? six_suffix : four_suffix))
        return false;
    memcpy(out, address, *six ? 16 : 4);
    return true;
}
