/* words.c - the texts that pictures show. Words come in pairs that differ in one letter, numbers are changed in one digit. */
#include "scenes/internal.h"

#include <string.h>

/* Neighbours 2i and 2i + 1 are mistaken for each other. No word names a shape, a colour or a background. */
static const char *const words[] = {
    "HOUSE", "MOUSE", "LIGHT", "MIGHT", "BREAD", "BREAK", "STONE", "STORE", "TRAIN", "BRAIN", "CLOCK", "BLOCK", "SHEEP", "SHEET", "CHAIR", "CHAIN",
    "PLANE", "PLANT", "GRAPE", "GRADE", "BOOK",  "COOK",  "FISH",  "DISH",  "BALL",  "BELL",  "LAKE",  "CAKE",  "ROAD",  "TOAD",  "SHIP",  "SHOP",
    "BEAR",  "PEAR",  "KING",  "WING",  "GOLD",  "COLD",  "PARK",  "BARK",  "EXIT",  "EDIT",  "JUMP",  "DUMP",  "ZERO",  "HERO",  "QUIZ",  "QUIT",
    "VAN",   "CAN",   "FOX",   "BOX",   "JAM",   "DAM",   "SUN",   "RUN",   "DOG",   "FOG",   "CAT",   "HAT",   "BUS",   "BUG",   "CANDLE", "HANDLE",
};
enum { WORDS = sizeof words / sizeof *words };

static void pick_number(rng *r, char *text, char *other)
{
    int n = 2 + rng_below(r, 3), at = rng_below(r, n);
    for (int i = 0; i < n; i++) text[i] = (char)(i ? '0' + rng_below(r, 10) : '1' + rng_below(r, 9));
    text[n] = 0;
    strcpy(other, text);
    while (other[at] == text[at]) other[at] = (char)(at ? '0' + rng_below(r, 10) : '1' + rng_below(r, 9));
}

void scenes_pick_text(rng *r, bool word, char text[SAINT_SCENES_TEXT_MAX + 1], char other[SAINT_SCENES_TEXT_MAX + 1])
{
    if (!word) {
        pick_number(r, text, other);
        return;
    }
    /* Both draws of the wrong word are symmetric: the partner of a pair, or any other word. */
    int a = rng_below(r, WORDS), b = a ^ 1;
    if (rng_coin(r)) b = (a + 1 + rng_below(r, WORDS - 1)) % WORDS;
    strcpy(text, words[a]);
    strcpy(other, words[b]);
}
