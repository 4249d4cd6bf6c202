/* tokenizer_config.c - what the files beside a tokenizer say: which tokens are BOS, EOS, unknown and padding, added tokens, legacy mode.
 *
 * clean_up_tokenization_spaces is not applied: it edits decoded text by rules for English, and newer libraries leave it off. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "formats/json.h"
#include "formats/tokenizer_internal.h"

enum { MAX_CONFIG = 32 << 20 };

/* "bos_token": "<s>", or {"content": "<s>"}, or null. A missing or empty one leaves *id alone. */
static saint_status read_name(const saint_tokenizer *t, const cJSON *config, const char *key, int *id, const char *what, saint_error *err)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(config, key);
    if (!v) return SAINT_OK;
    if (cJSON_IsNull(v)) {
        *id = -1;
        return SAINT_OK;
    }
    const char *text = cJSON_GetStringValue(cJSON_IsObject(v) ? cJSON_GetObjectItemCaseSensitive(v, "content") : v);
    if (!text) return saint_fail(err, SAINT_FORMAT, "%s: %s: expected a token's text", what, key);
    if (!*text) return SAINT_OK; /* early conversions of LLaMA wrote empty names for the built-in tokens */
    int found = saint_tokenizer_find(t, text);
    if (found < 0) return saint_fail(err, SAINT_FORMAT, "%s: %s is '%.80s', which is not in the vocabulary", what, key, text);
    *id = found;
    return SAINT_OK;
}

static saint_status read_names(saint_tokenizer *t, const cJSON *config, const char *what, saint_error *err)
{
    saint_status s = read_name(t, config, "bos_token", &t->bos, what, err);
    if (s == SAINT_OK) s = read_name(t, config, "eos_token", &t->eos, what, err);
    if (s == SAINT_OK) s = read_name(t, config, "unk_token", &t->unk_shown, what, err);
    if (s == SAINT_OK) s = read_name(t, config, "pad_token", &t->pad, what, err);
    return s;
}

static saint_status add_one(saint_tokenizer *t, int id, const char *text, const cJSON *o, const char *what, saint_error *err)
{
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(o, "single_word")))
        return saint_fail(err, SAINT_UNSUPPORTED, "%s: added token '%.80s' with single_word is not implemented", what, text);
    const cJSON *special = cJSON_GetObjectItemCaseSensitive(o, "special");
    saint_status s = saint_tok_added_declare(t, id, text, !o || cJSON_IsTrue(special), what, err);
    if (s != SAINT_OK) return s;
    return saint_tok_added_put(t, id, false, cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(o, "lstrip")),
                               cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(o, "rstrip")), what, err);
}

/* added_tokens.json: {"<image>": 32000}. */
static saint_status read_added_list(saint_tokenizer *t, const cJSON *list, const char *what, saint_error *err)
{
    const cJSON *v;
    saint_status s = cJSON_IsObject(list) ? SAINT_OK : saint_fail(err, SAINT_FORMAT, "%s: expected an object of tokens and ids", what);
    cJSON_ArrayForEach(v, list)
    {
        int id = -1;
        if (s == SAINT_OK) s = saint_json_int(list, v->string, 0, SAINT_TOK_MAX_PIECES - 1, &id, what, err);
        if (s == SAINT_OK) s = add_one(t, id, v->string, NULL, what, err);
    }
    return s;
}

/* tokenizer_config.json, "added_tokens_decoder": {"32000": {"content": "<image>", ...}}. */
static saint_status read_added_decoder(saint_tokenizer *t, const cJSON *list, const char *what, saint_error *err)
{
    const cJSON *v;
    saint_status s = SAINT_OK;
    cJSON_ArrayForEach(v, list)
    {
        char *end;
        long id = strtol(v->string, &end, 10);
        const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(v, "content"));
        if (s != SAINT_OK) break;
        if (end == v->string || *end || id < 0 || id >= SAINT_TOK_MAX_PIECES || !text)
            s = saint_fail(err, SAINT_FORMAT, "%s: added_tokens_decoder['%.80s']: expected an id with a content", what, v->string);
        else s = add_one(t, (int)id, text, v, what, err);
    }
    return s;
}

/* SentencePiece models know nothing of the mode their users run them in: the class's flags do. */
static saint_status read_sentencepiece_mode(saint_tokenizer *t, const cJSON *config, const char *what, saint_error *err)
{
    bool legacy = true, prefix = true;
    saint_status s = SAINT_OK;
    if (!cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(config, "legacy"))) s = saint_json_bool(config, "legacy", &legacy, what, err);
    if (s == SAINT_OK && !cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(config, "add_prefix_space")))
        s = saint_json_bool(config, "add_prefix_space", &prefix, what, err);
    for (int i = 0; i < t->n_norm; i++) {
        if (t->norm[i].kind != SAINT_NORM_PREFIX) continue;
        t->norm[i].first_only = !legacy;
        if (!prefix) t->norm[i].a[0] = 0;
    }
    t->drop_one_space = t->drop_one_space && prefix;
    return s;
}

/* The JSON file `name` of the folder, or NULL in *out when there is none. `path` gets its name for errors. */
static saint_status load_beside(const char *folder, const char *name, char *path, size_t path_size, cJSON **out, saint_error *err)
{
    *out = NULL;
    int n = snprintf(path, path_size, "%s/%s", folder, name);
    if (n < 0 || (size_t)n >= path_size) return saint_fail(err, SAINT_INVALID, "%s: the path is too long", folder);
    if (!saint_file_exists(path)) return SAINT_OK;
    saint_status s = saint_json_load(path, MAX_CONFIG, out, err);
    if (s == SAINT_OK && !cJSON_IsObject(*out)) {
        cJSON_Delete(*out);
        *out = NULL;
        s = saint_fail(err, SAINT_FORMAT, "%s: expected an object", path);
    }
    return s;
}

saint_status saint_tok_read_folder(saint_tokenizer *t, const char *folder, bool is_model, saint_error *err)
{
    char list_path[4096], map_path[4096], config_path[4096];
    cJSON *list = NULL, *map = NULL, *config = NULL;
    saint_status s = is_model ? load_beside(folder, "added_tokens.json", list_path, sizeof list_path, &list, err) : SAINT_OK;
    if (s == SAINT_OK) s = load_beside(folder, "special_tokens_map.json", map_path, sizeof map_path, &map, err);
    if (s == SAINT_OK) s = load_beside(folder, "tokenizer_config.json", config_path, sizeof config_path, &config, err);
    if (s == SAINT_OK && list) s = read_added_list(t, list, list_path, err);
    if (s == SAINT_OK && is_model && config) {
        s = read_added_decoder(t, cJSON_GetObjectItemCaseSensitive(config, "added_tokens_decoder"), config_path, err);
        if (s == SAINT_OK) s = read_sentencepiece_mode(t, config, config_path, err);
    }
    if (s == SAINT_OK && is_model) s = saint_tok_index(t, folder, err);
    if (s == SAINT_OK && map) s = read_names(t, map, map_path, err);
    if (s == SAINT_OK && config) s = read_names(t, config, config_path, err);
    if (s == SAINT_OK && config && !cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(config, "add_bos_token")))
        s = saint_json_bool(config, "add_bos_token", &t->adds_bos, config_path, err);
    cJSON_Delete(list);
    cJSON_Delete(map);
    cJSON_Delete(config);
    return s;
}
