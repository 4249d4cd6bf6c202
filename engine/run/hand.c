/* hand.c - the text form of a list made by hand: what --set, presets and scripts have. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/settings.h"

static saint_status expected(const char *text, saint_error *err)
{
    return saint_fail(err, SAINT_INVALID,
                      "hand=%.60s: expected off, or a stage, a layer and patches from 0 to %d in rising order, such as vit:19:0-20,35 or "
                      "llm:7:none",
                      text, SAINT_HAND_MOST - 1);
}

/* Digits only, so that no sign and no blank slips in. */
static bool number(const char **p, long most, long *out)
{
    long v = 0;
    if (!isdigit((unsigned char)**p)) return false;
    for (; isdigit((unsigned char)**p); ++*p) {
        v = 10 * v + (**p - '0');
        if (v > most) return false;
    }
    *out = v;
    return true;
}

static bool patches(const char *p, saint_hand *h)
{
    if (strcmp(p, "none") == 0) return true;
    for (long next = 0;;) {
        long first, last;
        if (!number(&p, SAINT_HAND_MOST - 1, &first)) return false;
        last = first;
        if (*p == '-' && (++p, !number(&p, SAINT_HAND_MOST - 1, &last))) return false;
        if (first < next || last < first) return false;
        for (long i = first; i <= last; i++) saint_hand_mark(h, (int)i, true);
        next = last + 1;
        if (!*p) return true;
        if (*p++ != ',') return false;
    }
}

saint_status saint_hand_parse(saint_hand *out, const char *text, saint_error *err)
{
    memset(out, 0, sizeof *out);
    if (strcmp(text, "off") == 0) return SAINT_OK;
    bool llm = strncmp(text, "llm:", 4) == 0;
    if (!llm && strncmp(text, "vit:", 4) != 0) return expected(text, err);
    const char *p = text + 4;
    long layer = 0;
    saint_hand h;
    memset(&h, 0, sizeof h);
    if (!number(&p, SAINT_MAX_LAYERS - 1, &layer) || *p++ != ':' || !patches(p, &h)) return expected(text, err);
    h.on = 1;
    h.stage = llm ? SAINT_STAGE_LLM : SAINT_STAGE_VIT;
    h.layer = (int32_t)layer;
    memcpy(out, &h, sizeof h);
    return SAINT_OK;
}

char *saint_hand_text(const saint_hand *h, char *out, size_t size)
{
    if (!size) return out;
    if (!h->on) {
        snprintf(out, size, "off");
        return out;
    }
    int at = snprintf(out, size, "%s:%d:", h->stage == SAINT_STAGE_LLM ? "llm" : "vit", h->layer), marked = 0;
    for (int p = 0; p < SAINT_HAND_MOST && (size_t)at < size; p++) {
        if (!saint_hand_keeps(h, p)) continue;
        int last = p;
        while (last + 1 < SAINT_HAND_MOST && saint_hand_keeps(h, last + 1)) last++;
        at += snprintf(out + at, size - (size_t)at, last > p ? "%s%d-%d" : "%s%d", marked++ ? "," : "", p, last);
        p = last;
    }
    if (!marked && (size_t)at < size) snprintf(out + at, size - (size_t)at, "none");
    return out;
}
