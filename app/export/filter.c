/* filter.c - see filter.h: a parser by recursive descent into a list of nodes, and an evaluation over them. */
#define _GNU_SOURCE
#include "export/filter.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "export/text.h"

typedef enum { NODE_OR, NODE_AND, NODE_NOT, NODE_TRUE, NODE_COMPARE } node_kind;
typedef enum { LESS, LESS_EQUAL, MORE, MORE_EQUAL, EQUAL, UNEQUAL, CONTAINS } comparison;

/* One side of a comparison: a column, or a constant. */
typedef struct {
    int column; /* -1 = constant */
    table_cell constant;
    char *text; /* owned: of a constant text */
} operand;

typedef struct {
    node_kind kind;
    int left, right; /* nodes */
    comparison how;
    operand a, b;
} node;

enum { NODES = 256, DEPTH = 64, WORD = 128 };

struct filter {
    node node[NODES];
    int n, root; /* root -1: every row passes */
};

/* ---- words --------------------------------------------------------------------------------------------------------------- */

typedef enum { TOKEN_END, TOKEN_WORD, TOKEN_TEXT, TOKEN_NUMBER, TOKEN_MARK } token_kind;

typedef struct {
    const char *start, *p; /* of the expression; behind the token */
    const table *t;
    filter *f;
    saint_error *err;
    token_kind kind;
    char word[WORD]; /* the token: a mark as one or two characters */
    double number;
    const char *at; /* where it begins */
    bool failed;
    saint_status status;
    int depth;
} parser;

static void fail(parser *p, const char *expected)
{
    if (p->failed) return;
    p->failed = true;
    p->status = saint_fail(p->err, SAINT_INVALID, "filter: expected %s at character %d, found %.40s; for example acc>=0.58 && keep_num<400",
                           expected, (int)(p->at - p->start) + 1, *p->at ? p->at : "the end");
}

/* A letter of a name: those of column names, which may hold any UTF-8 of a category. */
static bool is_name(char c) { return isalnum((unsigned char)c) || (c && strchr("_.[]", c)) || (c & 0x80); }

static void read_quoted(parser *p, char quote)
{
    size_t n = 0;
    for (p->p++; *p->p && *p->p != quote; p->p++) {
        if (n + 1 == WORD) {
            fail(p, "a shorter text");
            return;
        }
        p->word[n++] = *p->p;
    }
    p->word[n] = 0;
    if (*p->p != quote) fail(p, "a closing quote");
    else p->p++;
    p->kind = TOKEN_TEXT;
}

/* strtod knows hexadecimal, inf and nan too: those are words here. */
static bool read_number(parser *p)
{
    const char *digits = p->p + (*p->p == '-' || *p->p == '+');
    char *end;
    if (!isdigit((unsigned char)*digits) && !(*digits == '.' && isdigit((unsigned char)digits[1]))) return false;
    if (digits[0] == '0' && (digits[1] | 32) == 'x') return false;
    p->number = strtod(p->p, &end);
    if (is_name(*end) || !isfinite(p->number)) return false;
    p->kind = TOKEN_NUMBER;
    size_t n = (size_t)(end - p->p);
    memcpy(p->word, p->p, n < WORD ? n : WORD - 1);
    p->word[n < WORD ? n : WORD - 1] = 0;
    p->p = end;
    return true;
}

static void next(parser *p)
{
    while (isspace((unsigned char)*p->p)) p->p++;
    p->at = p->p;
    p->word[0] = 0;
    p->kind = TOKEN_END;
    if (p->failed || !*p->p) return;
    if (*p->p == '\'' || *p->p == '"') {
        read_quoted(p, *p->p);
        return;
    }
    if (read_number(p)) return;
    size_t n = 0;
    if (is_name(*p->p)) {
        while (is_name(*p->p) && n + 1 < WORD) p->word[n++] = *p->p++;
        p->kind = TOKEN_WORD;
        if (is_name(*p->p)) fail(p, "a shorter name");
    } else {
        static const char *const two[] = {"||", "&&", "<=", ">=", "==", "!="};
        for (size_t i = 0; i < sizeof two / sizeof *two && !n; i++)
            if (strncmp(p->p, two[i], 2) == 0) n = 2;
        if (!n) n = 1;
        memcpy(p->word, p->p, n);
        p->p += n;
        p->kind = TOKEN_MARK;
    }
    p->word[n] = 0;
}

static bool is(const parser *p, const char *mark) { return p->kind == TOKEN_MARK && strcmp(p->word, mark) == 0; }

static bool is_word(const parser *p, const char *word) { return p->kind == TOKEN_WORD && strcmp(p->word, word) == 0; }

/* ---- parser -------------------------------------------------------------------------------------------------------------- */

static int add(parser *p, node n)
{
    if (p->f->n == NODES) {
        fail(p, "fewer conditions");
        return -1;
    }
    p->f->node[p->f->n] = n;
    return p->f->n++;
}

static void unknown(parser *p)
{
    if (p->failed) return;
    p->failed = true;
    p->status =
        saint_fail(p->err, SAINT_INVALID, "filter: %.60s: no such column; the nearest is %s", p->word, table_nearest(p->t, p->word));
}

static void set_text(parser *p, operand *o)
{
    o->column = -1;
    o->text = strdup(p->word);
    if (!o->text) {
        p->failed = true;
        p->status = saint_fail(p->err, SAINT_MEMORY, "no memory for a filter");
        return;
    }
    o->constant = (table_cell){.kind = CELL_TEXT, .text = o->text};
}

static operand constant(double x, cell_kind kind) { return (operand){.column = -1, .constant = {.kind = kind, .number = x}}; }

/* A column that holds texts somewhere, so that a bare word beside it is meant as one. */
static bool holds_text(table *t, int column)
{
    for (size_t i = 0; i < table_rows(t); i++) {
        cell_kind kind = table_get(t, i, column).kind;
        if (kind != CELL_EMPTY) return kind == CELL_TEXT;
    }
    return true;
}

/* beside: the column on the other side, -1 = none. */
static operand parse_operand(parser *p, int beside)
{
    operand o = {.column = -1};
    if (p->kind == TOKEN_NUMBER) o = constant(p->number, CELL_NUMBER);
    else if (p->kind == TOKEN_TEXT) set_text(p, &o);
    else if (p->kind != TOKEN_WORD) fail(p, "a column or a value");
    else {
        o.column = table_find(p->t, p->word);
        bool yes = is_word(p, "yes") || is_word(p, "true"), no = is_word(p, "no") || is_word(p, "false");
        if (o.column < 0 && beside >= 0 && !holds_text((table *)(uintptr_t)p->t, beside) && (yes || no)) o = constant(yes, CELL_BOOL);
        else if (o.column < 0 && beside >= 0 && holds_text((table *)(uintptr_t)p->t, beside)) set_text(p, &o);
        else if (o.column < 0) unknown(p);
    }
    if (!p->failed) next(p);
    return o;
}

static bool parse_comparison(const parser *p, comparison *how)
{
    static const struct {
        const char *mark;
        comparison how;
    } all[] = {{"<", LESS},   {"<=", LESS_EQUAL}, {">", MORE},     {">=", MORE_EQUAL},
               {"==", EQUAL}, {"=", EQUAL},       {"!=", UNEQUAL}, {"~", CONTAINS}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (is(p, all[i].mark)) {
            *how = all[i].how;
            return true;
        }
    return false;
}

static int parse_or(parser *p);

static int parse_unary(parser *p)
{
    int at = -1;
    if (++p->depth > DEPTH) fail(p, "fewer parentheses");
    if (p->failed) return -1;
    if (is(p, "!") || is_word(p, "not")) {
        next(p);
        at = add(p, (node){.kind = NODE_NOT, .left = parse_unary(p)});
    } else if (is(p, "(")) {
        next(p);
        at = parse_or(p);
        if (!is(p, ")")) fail(p, ")");
        else next(p);
    } else {
        node n = {.kind = NODE_TRUE, .a = parse_operand(p, -1)};
        if (!p->failed && parse_comparison(p, &n.how)) {
            n.kind = NODE_COMPARE;
            next(p);
            n.b = parse_operand(p, n.a.column);
        } else if (!p->failed && n.a.column < 0) fail(p, "< <= > >= == != or ~ behind a value");
        at = p->failed ? -1 : add(p, n);
        if (at < 0) {
            free(n.a.text);
            free(n.b.text);
        }
    }
    p->depth--;
    return at;
}

static int parse_and(parser *p)
{
    int at = parse_unary(p);
    while (!p->failed && (is(p, "&&") || is_word(p, "and"))) {
        next(p);
        at = add(p, (node){.kind = NODE_AND, .left = at, .right = parse_unary(p)});
    }
    return at;
}

static int parse_or(parser *p)
{
    int at = parse_and(p);
    while (!p->failed && (is(p, "||") || is_word(p, "or"))) {
        next(p);
        at = add(p, (node){.kind = NODE_OR, .left = at, .right = parse_and(p)});
    }
    return at;
}

saint_status filter_parse(const char *text, const table *t, filter **out, saint_error *err)
{
    *out = calloc(1, sizeof **out);
    if (!*out) return saint_fail(err, SAINT_MEMORY, "no memory for a filter");
    parser p = {.start = text, .p = text, .t = t, .f = *out, .err = err};
    next(&p);
    (*out)->root = -1;
    if (p.kind == TOKEN_END && !p.failed) return SAINT_OK;
    (*out)->root = parse_or(&p);
    if (!p.failed && p.kind != TOKEN_END) fail(&p, "&& or ||");
    if (!p.failed) return SAINT_OK;
    filter_free(*out);
    *out = NULL;
    return p.status;
}

void filter_free(filter *f)
{
    for (int i = 0; f && i < f->n; i++) {
        free(f->node[i].a.text);
        free(f->node[i].b.text);
    }
    free(f);
}

/* ---- evaluation ---------------------------------------------------------------------------------------------------------- */

/* A cell as written, into a buffer of its own because the next cell takes the table's. */
static void written(const table_cell *c, text_buf *out)
{
    if (c->kind == CELL_TEXT) text_put(out, c->text);
    else if (c->kind == CELL_BOOL) text_put(out, c->number != 0 ? "yes" : "no");
    else if (c->kind == CELL_SINGLE) text_single(out, (float)c->number);
    else if (c->kind != CELL_EMPTY) text_number(out, c->number);
}

static bool holds(comparison how, int order)
{
    switch (how) {
    case LESS: return order < 0;
    case LESS_EQUAL: return order <= 0;
    case MORE: return order > 0;
    case MORE_EQUAL: return order >= 0;
    case EQUAL: return order == 0;
    case UNEQUAL: return order != 0;
    case CONTAINS: break;
    }
    return false;
}

static table_cell value_of(const operand *o, table *t, size_t row) { return o->column < 0 ? o->constant : table_get(t, row, o->column); }

static bool compare(const node *n, table *t, size_t row)
{
    text_buf left = {0}, right = {0};
    table_cell a = value_of(&n->a, t, row);
    written(&a, &left);
    table_cell b = value_of(&n->b, t, row);
    written(&b, &right);
    const char *x = left.p ? left.p : "", *y = right.p ? right.p : "";
    bool yes;
    bool numbers = a.kind != CELL_TEXT && b.kind != CELL_TEXT, nothing = a.kind == CELL_EMPTY || b.kind == CELL_EMPTY;
    if (left.failed || right.failed) yes = false;
    else if (nothing) yes = n->how == EQUAL && !*x && !*y;
    else if (n->how == CONTAINS) yes = strcasestr(x, y) != NULL;
    else if (numbers) yes = holds(n->how, (a.number > b.number) - (a.number < b.number));
    else yes = holds(n->how, strcmp(x, y));
    text_free(&left);
    text_free(&right);
    return yes;
}

static bool truth(const filter *f, int at, table *t, size_t row)
{
    const node *n = &f->node[at];
    switch (n->kind) {
    case NODE_OR: return truth(f, n->left, t, row) || truth(f, n->right, t, row);
    case NODE_AND: return truth(f, n->left, t, row) && truth(f, n->right, t, row);
    case NODE_NOT: return !truth(f, n->left, t, row);
    case NODE_COMPARE: return compare(n, t, row);
    case NODE_TRUE: break;
    }
    table_cell c = value_of(&n->a, t, row);
    return c.kind == CELL_TEXT ? *c.text != 0 : c.kind != CELL_EMPTY && c.number != 0;
}

bool filter_pass(const filter *f, table *t, size_t row) { return !f || f->root < 0 || truth(f, f->root, t, row); }
