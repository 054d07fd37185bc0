#include "serve/search_walk.h"

#include "dns/rr.h"

enum search_outcome search_outcome_of(const struct reply *answer)
{
    if (answer == NULL || answer->rcode == RCODE_NXDOMAIN)
        return SEARCH_NO_NAME;
    if (answer->rcode != RCODE_NOERROR)
        return SEARCH_ERROR;
    if (answer->count[SECTION_ANSWER] > 0 || answer->overflow || (answer->flags & FLAG_TC) != 0)
        return SEARCH_DATA;
    /* Neither from an authority nor from a resolver: glibc turns to the next server then. */
    return (answer->flags & (FLAG_AA | FLAG_RA)) == 0 ? SEARCH_ERROR : SEARCH_NO_DATA;
}

uint16_t search_other_type(uint16_t qtype)
{
    return qtype == RR_A ? RR_AAAA : qtype == RR_AAAA ? RR_A : 0;
}

void search_begin(struct search_walk *w, uint16_t qtype, unsigned count)
{
    *w = (struct search_walk){.qtype = qtype, .count = (uint8_t)count, .nodata = -1};
}

/* The denial of candidate `index` is the answer. */
static enum search_step deny(struct search_walk *w, int index)
{
    w->nodata = (int16_t)index;
    w->at = (uint8_t)(index > 0 ? index : 0);
    w->other = false;
    w->final = true;
    return index > 0 ? SEARCH_ASK : SEARCH_PASS;
}

static enum search_step go_on(struct search_walk *w)
{
    w->other = false;
    if (w->at + 1 == w->count)
        return deny(w, w->nodata);
    w->at++;
    return SEARCH_ASK;
}

static enum search_step end(struct search_walk *w, enum search_outcome outcome)
{
    if (w->other)
        return deny(w, w->at);
    return outcome == SEARCH_ERROR && w->nodata >= 0 ? deny(w, w->nodata) : SEARCH_TAKE;
}

enum search_step search_next(struct search_walk *w, enum search_outcome outcome)
{
    if (w->final)
        return SEARCH_TAKE;
    if (outcome == SEARCH_DATA || outcome == SEARCH_ERROR)
        return end(w, outcome);
    if (outcome == SEARCH_NO_NAME && !w->other)
        return go_on(w);
    if (!w->other && w->at + 1 == w->count)
        return SEARCH_TAKE; /* nothing comes after: its denial is at hand */
    if (!w->other && search_other_type(w->qtype) != 0) {
        w->other = true;
        return SEARCH_ASK_OTHER;
    }
    if (w->nodata < 0)
        w->nodata = w->at;
    return go_on(w);
}
