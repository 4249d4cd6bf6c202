#include "support/llama2c.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "formats/checkpoint.h"

enum { MAX_LAYERS = 64, MAX_VOCAB = 65536, FIRST_PIECE = 259 /* behind <unk>, <s>, </s> and the 256 bytes */ };

typedef struct {
    int32_t dim, hidden, layers, heads, kv_heads, vocab, seq;
    bool shared_head; /* a negative vocabulary size in the file means a head of its own */
} shape;

/* ---- weights ---- */

typedef struct {
    saint_tensor tensor[MAX_LAYERS * 9 + 3];
    char name[MAX_LAYERS * 9 + 3][64];
    int n;
    const float *at, *end; /* what is left of the file */
} reader;

static const float *take(reader *r, size_t floats)
{
    const float *p = r->at;
    if (!p || floats > (size_t)(r->end - p)) return r->at = NULL;
    r->at += floats;
    return p;
}

static void add(reader *r, const char *name, int layer, const float *data, int64_t rows, int64_t cols)
{
    char *full = r->name[r->n];
    if (layer < 0) snprintf(full, sizeof r->name[0], "%s.weight", name);
    else snprintf(full, sizeof r->name[0], "model.layers.%d.%s.weight", layer, name);
    r->tensor[r->n++] = (saint_tensor){.name = full, .type = SAINT_F32, .rank = cols ? 2 : 1, .shape = {rows, cols}, .data = data,
                                       .bytes = (size_t)rows * (size_t)(cols ? cols : 1) * sizeof *data};
}

/* One tensor per layer, stored behind one another. cols = 0: a vector. */
static void take_layers(reader *r, const shape *s, const char *name, int64_t rows, int64_t cols)
{
    size_t each = (size_t)rows * (size_t)(cols ? cols : 1);
    const float *data = take(r, each * (size_t)s->layers);
    for (int i = 0; data && i < s->layers; i++) add(r, name, i, data + (size_t)i * each, rows, cols);
}

/* Rows 2j and 2j + 1 of every head become rows j and j + head_dim / 2, in a copy that the caller frees. */
static float *halves(const saint_tensor *t, int head_dim)
{
    size_t cols = (size_t)t->shape[1];
    float *out = malloc(t->bytes);
    if (!out) return NULL;
    for (int64_t row = 0; row < t->shape[0]; row++) {
        int64_t head = row / head_dim, j = row % head_dim, half = head_dim / 2;
        int64_t from = head * head_dim + (j < half ? 2 * j : 2 * (j - half) + 1);
        memcpy(out + (size_t)row * cols, (const float *)t->data + (size_t)from * cols, cols * sizeof *out);
    }
    return out;
}

static saint_status write_weights(reader *r, const shape *s, const char *out_dir, saint_error *err)
{
    char path[4096];
    const char *const metadata[] = {"format", "pt", NULL};
    float *copy[MAX_LAYERS * 2];
    int copies = 0;
    saint_status status = SAINT_OK;
    for (int i = 0; i < r->n && status == SAINT_OK; i++) {
        if (!strstr(r->name[i], "q_proj") && !strstr(r->name[i], "k_proj")) continue;
        copy[copies] = halves(&r->tensor[i], s->dim / s->heads);
        if (!copy[copies]) status = saint_fail(err, SAINT_MEMORY, "llama2c: no memory for %s", r->name[i]);
        else r->tensor[i].data = copy[copies++];
    }
    snprintf(path, sizeof path, "%s/model.safetensors", out_dir);
    if (status == SAINT_OK) status = saint_safetensors_write(path, r->tensor, r->n, metadata, err);
    while (copies) free(copy[--copies]);
    return status;
}

static saint_status read_shape(const char *path, const saint_map *map, shape *s, saint_error *err)
{
    int32_t h[7];
    if (map->bytes < sizeof h || map->bytes % sizeof(float)) return saint_fail(err, SAINT_FORMAT, "%s: not a llama2.c model", path);
    memcpy(h, map->data, sizeof h);
    *s = (shape){h[0], h[1], h[2], h[3], h[4], h[5] < 0 ? -h[5] : h[5], h[6], h[5] > 0};
    for (int i = 0; i < 7; i++)
        if (i != 5 && (h[i] < 1 || h[i] > 1 << 16)) return saint_fail(err, SAINT_FORMAT, "%s: header field %d is %d", path, i, h[i]);
    if (s->layers > MAX_LAYERS || s->vocab < FIRST_PIECE || s->vocab > MAX_VOCAB || s->dim % s->heads || s->dim / s->heads % 2 ||
        s->heads % s->kv_heads)
        return saint_fail(err, SAINT_FORMAT, "%s: expected a small LLaMA, found dim %d, %d layers, %d/%d heads, vocabulary %d", path,
                          s->dim, s->layers, s->heads, s->kv_heads, s->vocab);
    return SAINT_OK;
}

static saint_status convert_weights(const char *path, const saint_map *map, const shape *s, const char *out_dir, saint_error *err)
{
    int64_t kv = (int64_t)s->dim / s->heads * s->kv_heads;
    reader *r = calloc(1, sizeof *r);
    if (!r) return saint_fail(err, SAINT_MEMORY, "%s: no memory", path);
    r->at = (const float *)(const void *)(map->data + 7 * sizeof(int32_t)); /* the map is page-aligned */
    r->end = (const float *)(const void *)(map->data + map->bytes);
    const float *embed = take(r, (size_t)s->vocab * (size_t)s->dim);
    if (embed) add(r, "model.embed_tokens", -1, embed, s->vocab, s->dim);
    take_layers(r, s, "input_layernorm", s->dim, 0);
    take_layers(r, s, "self_attn.q_proj", s->dim, s->dim);
    take_layers(r, s, "self_attn.k_proj", kv, s->dim);
    take_layers(r, s, "self_attn.v_proj", kv, s->dim);
    take_layers(r, s, "self_attn.o_proj", s->dim, s->dim);
    take_layers(r, s, "post_attention_layernorm", s->dim, 0);
    take_layers(r, s, "mlp.gate_proj", s->hidden, s->dim);
    take_layers(r, s, "mlp.down_proj", s->dim, s->hidden);
    take_layers(r, s, "mlp.up_proj", s->hidden, s->dim);
    const float *norm = take(r, (size_t)s->dim);
    if (norm) add(r, "model.norm", -1, norm, s->dim, 0);
    take(r, (size_t)s->seq * (size_t)(s->dim / s->heads)); /* tables of cosines and sines that nobody needs */
    const float *head = s->shared_head ? NULL : take(r, (size_t)s->vocab * (size_t)s->dim);
    if (head) add(r, "lm_head", -1, head, s->vocab, s->dim);
    saint_status status = r->at && r->at == r->end ? write_weights(r, s, out_dir, err)
                                                   : saint_fail(err, SAINT_FORMAT, "%s: %zu bytes do not fit its header", path, map->bytes);
    free(r);
    return status;
}

/* ---- text files ---- */

static saint_status write_json(const char *out_dir, const char *name, cJSON *root, saint_error *err)
{
    char path[4096];
    char *text = cJSON_PrintUnformatted(root);
    cJSON_Delete(root);
    if (!text) return saint_fail(err, SAINT_MEMORY, "llama2c: no memory for %s", name);
    snprintf(path, sizeof path, "%s/%s", out_dir, name);
    saint_status status = saint_file_write(path, text, strlen(text), err);
    cJSON_free(text);
    return status;
}

static saint_status write_config(const shape *s, const char *out_dir, saint_error *err)
{
    cJSON *c = cJSON_CreateObject();
    cJSON_AddStringToObject(c, "model_type", "llama");
    cJSON_AddItemToArray(cJSON_AddArrayToObject(c, "architectures"), cJSON_CreateString("LlamaForCausalLM"));
    cJSON_AddNumberToObject(c, "hidden_size", s->dim);
    cJSON_AddNumberToObject(c, "intermediate_size", s->hidden);
    cJSON_AddNumberToObject(c, "num_hidden_layers", s->layers);
    cJSON_AddNumberToObject(c, "num_attention_heads", s->heads);
    cJSON_AddNumberToObject(c, "num_key_value_heads", s->kv_heads);
    cJSON_AddStringToObject(c, "hidden_act", "silu");
    cJSON_AddNumberToObject(c, "max_position_embeddings", s->seq);
    cJSON_AddNumberToObject(c, "rms_norm_eps", 1e-5);
    cJSON_AddNumberToObject(c, "rope_theta", 10000);
    cJSON_AddBoolToObject(c, "attention_bias", false);
    cJSON_AddBoolToObject(c, "tie_word_embeddings", s->shared_head);
    cJSON_AddNumberToObject(c, "vocab_size", s->vocab);
    cJSON_AddNumberToObject(c, "bos_token_id", 1);
    cJSON_AddNumberToObject(c, "eos_token_id", 2);
    cJSON_AddStringToObject(c, "torch_dtype", "float32");
    return write_json(out_dir, "config.json", c, err);
}

/* ---- tokenizer ---- */

typedef struct {
    char *text; /* a space is U+2581 */
    float score;
    int id;
} piece;

static int by_text(const void *a, const void *b)
{
    return strcmp(((const piece *)a)->text, ((const piece *)b)->text);
}

static int by_score(const void *a, const void *b)
{
    const piece *x = a, *y = b;
    return x->score != y->score ? (x->score < y->score ? 1 : -1) : (x->id > y->id) - (x->id < y->id);
}

/* The bytes of one piece with spaces written as U+2581; llama2.c stores the two control pieces with line ends around them. */
static char *spelling(const unsigned char *bytes, size_t n, int id)
{
    char *out = malloc(3 * n + 1), *p = out;
    if (!out) return NULL;
    if (id == 1 || id == 2) return strcpy(out, id == 1 ? "<s>" : "</s>");
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] == ' ') p = (char *)memcpy(p, "\xE2\x96\x81", 3) + 3;
        else *p++ = (char)bytes[i];
    }
    *p = 0;
    return out;
}

static saint_status read_pieces(const char *path, const saint_map *map, int vocab, piece *pieces, saint_error *err)
{
    size_t at = 4; /* behind the length of the longest piece */
    for (int i = 0; i < vocab; i++) {
        int32_t n = -1;
        if (at + 8 <= map->bytes) {
            memcpy(&pieces[i].score, map->data + at, 4);
            memcpy(&n, map->data + at + 4, 4);
        }
        if (n < 0 || at + 8 + (size_t)n > map->bytes) return saint_fail(err, SAINT_FORMAT, "%s: piece %d of %d is cut off", path, i, vocab);
        pieces[i].id = i;
        pieces[i].text = spelling(map->data + at + 8, (size_t)n, i);
        if (!pieces[i].text) return saint_fail(err, SAINT_MEMORY, "%s: no memory", path);
        at += 8 + (size_t)n;
    }
    if (at != map->bytes) return saint_fail(err, SAINT_FORMAT, "%s: %zu bytes behind the last of %d pieces", path, map->bytes - at, vocab);
    return SAINT_OK;
}

static int find(const piece *sorted, int n, const char *text, size_t length)
{
    char key[256];
    if (length >= sizeof key) return -1;
    memcpy(key, text, length);
    key[length] = 0;
    const piece *hit = bsearch(&(piece){.text = key}, sorted, (size_t)n, sizeof *sorted, by_text);
    return hit ? hit->id : -1;
}

typedef struct {
    int left, right;
    size_t cut;
} split;

static int by_parts(const void *a, const void *b)
{
    const split *x = a, *y = b;
    return x->left != y->left ? (x->left > y->left) - (x->left < y->left) : (x->right > y->right) - (x->right < y->right);
}

/* Every way to make a piece of two others, best piece first: what Hugging Face's BPE calls merges. */
static void add_merges(cJSON *merges, piece *ranked, const piece *sorted, int n)
{
    qsort(ranked, (size_t)n, sizeof *ranked, by_score);
    for (int i = 0; i < n; i++) {
        const char *text = ranked[i].text;
        size_t length = strlen(text), found = 0;
        split s[256];
        char pair[512];
        if (ranked[i].id < FIRST_PIECE || length >= 256) continue;
        for (size_t cut = 1; cut < length; cut++) {
            if (((unsigned char)text[cut] & 0xC0) == 0x80) continue; /* inside a character */
            s[found] = (split){find(sorted, n, text, cut), find(sorted, n, text + cut, length - cut), cut};
            if (s[found].left >= 0 && s[found].right >= 0) found++;
        }
        qsort(s, found, sizeof *s, by_parts);
        for (size_t k = 0; k < found; k++) {
            snprintf(pair, sizeof pair, "%.*s %s", (int)s[k].cut, text, text + s[k].cut);
            cJSON_AddItemToArray(merges, cJSON_CreateString(pair));
        }
    }
}

/* LLaMA's fast tokenizer around a vocabulary: a leading U+2581, byte fallback, <s> in front. */
static const char skeleton[] =
    "{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,\"added_tokens\":["
    "{\"id\":0,\"content\":\"<unk>\",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,\"normalized\":false,\"special\":true},"
    "{\"id\":1,\"content\":\"<s>\",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,\"normalized\":false,\"special\":true},"
    "{\"id\":2,\"content\":\"</s>\",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,\"normalized\":false,\"special\":true}],"
    "\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Prepend\",\"prepend\":\"\xE2\x96\x81\"},"
    "{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"\xE2\x96\x81\"}]},\"pre_tokenizer\":null,"
    "\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"<s>\",\"type_id\":0}},"
    "{\"Sequence\":{\"id\":\"A\",\"type_id\":0}}],\"pair\":[{\"SpecialToken\":{\"id\":\"<s>\",\"type_id\":0}},"
    "{\"Sequence\":{\"id\":\"A\",\"type_id\":0}},{\"SpecialToken\":{\"id\":\"<s>\",\"type_id\":1}},"
    "{\"Sequence\":{\"id\":\"B\",\"type_id\":1}}],\"special_tokens\":{\"<s>\":{\"id\":\"<s>\",\"ids\":[1],\"tokens\":[\"<s>\"]}}},"
    "\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Replace\",\"pattern\":{\"String\":\"\xE2\x96\x81\"},\"content\":\" \"},"
    "{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"},{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0}]},"
    "\"model\":{\"type\":\"BPE\",\"dropout\":null,\"unk_token\":\"<unk>\",\"continuing_subword_prefix\":null,"
    "\"end_of_word_suffix\":null,\"fuse_unk\":true,\"byte_fallback\":true}}";

static saint_status convert_tokenizer(const char *path, const saint_map *map, int vocab, const char *out_dir, saint_error *err)
{
    piece *pieces = calloc((size_t)vocab * 3, sizeof *pieces), *sorted = pieces + vocab, *ranked = sorted + vocab;
    if (!pieces) return saint_fail(err, SAINT_MEMORY, "%s: no memory", path);
    saint_status status = read_pieces(path, map, vocab, pieces, err);
    if (status == SAINT_OK) {
        cJSON *root = cJSON_Parse(skeleton), *model = cJSON_GetObjectItemCaseSensitive(root, "model");
        cJSON *ids = cJSON_AddObjectToObject(model, "vocab"), *merges = cJSON_AddArrayToObject(model, "merges");
        memcpy(sorted, pieces, (size_t)vocab * sizeof *pieces);
        memcpy(ranked, pieces, (size_t)vocab * sizeof *pieces);
        qsort(sorted, (size_t)vocab, sizeof *sorted, by_text);
        for (int i = 0; i < vocab; i++) cJSON_AddNumberToObject(ids, pieces[i].text, i);
        add_merges(merges, ranked, sorted, vocab);
        status = write_json(out_dir, "tokenizer.json", root, err);
    }
    for (int i = 0; i < vocab; i++) free(pieces[i].text);
    free(pieces);
    return status;
}

saint_status llama2c_convert(const char *bin, const char *tok, const char *out_dir, saint_error *err)
{
    saint_map model = {0}, tokens = {0};
    shape s;
    if (mkdir(out_dir, 0777) != 0 && errno != EEXIST) return saint_fail(err, SAINT_IO, "%s: cannot be made: %s", out_dir, strerror(errno));
    saint_status status = saint_map_open(bin, &model, err);
    if (status != SAINT_OK) return status;
    status = saint_map_open(tok, &tokens, err);
    if (status == SAINT_OK) {
        status = read_shape(bin, &model, &s, err);
        if (status == SAINT_OK) status = convert_weights(bin, &model, &s, out_dir, err);
        if (status == SAINT_OK) status = write_config(&s, out_dir, err);
        if (status == SAINT_OK) status = convert_tokenizer(tok, &tokens, s.vocab, out_dir, err);
        saint_map_close(&tokens);
    }
    saint_map_close(&model);
    return status;
}
