/* words.c - the texts that pictures show. Words come in pairs that differ in one letter, numbers are changed in one digit. */
#include "scenes/internal.h"

#include <string.h>

/* Neighbours 2i and 2i + 1 are mistaken for each other. No word names a shape, a colour or a background. */
static const char *const words[] = {
    "HOUSE", "MOUSE", "LIGHT", "MIGHT", "BREAD", "BREAK", "STONE", "STORE", "TRAIN", "BRAIN", "CLOCK",  "BLOCK",  "SHEEP",
    "SHEET", "CHAIR", "CHAIN", "PLANE", "PLANT", "GRAPE", "GRADE", "BOOK",  "COOK",  "FISH",  "DISH",   "BALL",   "BELL",
    "LAKE",  "CAKE",  "ROAD",  "TOAD",  "SHIP",  "SHOP",  "BEAR",  "PEAR",  "KING",  "WING",  "GOLD",   "COLD",   "PARK",
    "BARK",  "EXIT",  "EDIT",  "JUMP",  "DUMP",  "ZERO",  "HERO",  "QUIZ",  "QUIT",  "VAN",   "CAN",    "FOX",    "BOX",
    "JAM",   "DAM",   "SUN",   "RUN",   "DOG",   "FOG",   "CAT",   "HAT",   "BUS",   "BUG",   "CANDLE", "HANDLE",
};
enum { WORDS = sizeof words / sizeof *words };

static char any_digit(rng *r, int at)
{
    return (char)(at ? '0' + rng_below(r, 10) : '1' + rng_below(r, 9)); /* a number begins with no zero */
}

void scenes_pick_text(rng *r, char text[SAINT_SCENES_TEXT_MAX + 1])
{
    if (rng_coin(r)) {
        strcpy(text, words[rng_below(r, WORDS)]);
        return;
    }
    int n = 2 + rng_below(r, 3);
    for (int i = 0; i < n; i++) text[i] = any_digit(r, i);
    text[n] = 0;
}

void scenes_other_text(rng *r, const char *text, char other[SAINT_SCENES_TEXT_MAX + 1])
{
    strcpy(other, text);
    if (text[0] <= '9') {
        int at = rng_below(r, (int)strlen(text));
        while (other[at] == text[at]) other[at] = any_digit(r, at);
        return;
    }
    int own = 0;
    while (strcmp(words[own], text) != 0) own++;
    int wrong = own ^ 1;
    if (rng_coin(r)) wrong = (own + 1 + rng_below(r, WORDS - 1)) % WORDS;
    strcpy(other, words[wrong]);
}
