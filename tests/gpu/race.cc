/* race.cc - who touches which memory in an emulated kernel, and whether anything orders it: for programs whose kernels were compiled with
 * -fsanitize=thread. The compiler calls the functions below at every access; there is no other run-time library behind them.
 *
 * On a device two accesses of a launch are ordered when the same thread makes both, or when both threads are of one block and a barrier of that
 * block lies between them. Nothing orders two blocks, and a shuffle orders no memory. Whatever else meets, one of the two writing, ends the test. */
extern "C" {
#include "base/dtype.h"
}
#include <cuda_runtime_api.h>

struct f16 {
    unsigned short bits;
};
struct bf16 {
    unsigned short bits;
};
#include "gpu/emulate.h"

enum { PAGE = 4096, MOST_PAGES = 1 << 16, GRAIN = 2 };

/* Two bytes: the last that wrote them, and who has read them since. */
struct cell {
    unsigned launch, turn; /* the rest is of this launch; of this block where each has its own */
    unsigned w_block, w_barriers, r_block, r_barriers;
    unsigned short w_thread, r_thread;
    bool written, read, by_many, by_blocks; /* read by several threads between the same barriers; by several blocks */
};
struct page {
    uintptr_t number;
    cell *cells;
};
static page pages[2 * MOST_PAGES];
static int n_pages;

static cell *cells_of(uintptr_t number)
{
    static page *last = &pages[0];
    if (last->cells && last->number == number) return last->cells;
    size_t i = (size_t)(number * 0x9e3779b97f4a7c15u >> 40) % (2 * MOST_PAGES);
    while (pages[i].cells && pages[i].number != number) i = (i + 1) % (2 * MOST_PAGES);
    if (!pages[i].cells) {
        if (++n_pages > MOST_PAGES) emu_fail("more memory than the check for races has room for");
        pages[i] = page{number, (cell *)calloc(PAGE / GRAIN, sizeof(cell))};
    }
    last = &pages[i];
    return last->cells;
}

[[noreturn]] static void race(const char *what, const cell &c, bool other_wrote, const emu_place &me, const void *at, const void *from)
{
    fprintf(stderr, "FAILED: a race in an emulated kernel: block %u thread %u, %u barriers, %s %p; block %u thread %u, %u barriers, %s it (at %p in the program)\n",
            me.block, me.thread, me.barriers, what, at, other_wrote ? c.w_block : c.r_block, other_wrote ? c.w_thread : c.r_thread,
            other_wrote ? c.w_barriers : c.r_barriers, other_wrote ? "wrote" : "read", from);
    abort();
}

/* Not ordered behind that access. */
static bool meets(const emu_place &me, unsigned block, unsigned thread, unsigned barriers)
{
    return block != me.block || (thread != me.thread && barriers == me.barriers);
}

static void touch_one(cell &c, const emu_place &me, bool shared, bool write, const void *at, const void *from)
{
    if (c.launch != me.launch || (shared && c.turn != me.block)) c = cell{};
    c.launch = me.launch;
    c.turn = me.block;
    if (c.written && meets(me, c.w_block, c.w_thread, c.w_barriers)) race(write ? "writes" : "reads", c, true, me, at, from);
    if (write) {
        bool others = c.read && (c.by_blocks || (c.by_many && c.r_barriers == me.barriers) || meets(me, c.r_block, c.r_thread, c.r_barriers));
        if (others) race("writes", c, false, me, at, from);
        c.written = true;
        c.w_block = me.block;
        c.w_thread = (unsigned short)me.thread;
        c.w_barriers = me.barriers;
        return;
    }
    c.by_blocks = c.by_blocks || (c.read && c.r_block != me.block);
    c.by_many = c.read && c.r_block == me.block && c.r_barriers == me.barriers && (c.by_many || c.r_thread != me.thread);
    c.read = true;
    c.r_block = me.block;
    c.r_thread = (unsigned short)me.thread;
    c.r_barriers = me.barriers;
}

static unsigned long touched;

static void touch(const void *p, size_t bytes, bool write, const void *from)
{
    emu_place me;
    if (emu_is_own(p) || !emu_place_of(&me)) return; /* most accesses are to a thread's own stack */
    bool shared = emu_is_shared(p);
    touched++;
    for (uintptr_t a = (uintptr_t)p & ~(uintptr_t)(GRAIN - 1); a < (uintptr_t)p + bytes; a += GRAIN)
        touch_one(cells_of(a / PAGE)[a % PAGE / GRAIN], me, shared, write, p, from);
}

void emu_touch(const void *at, bool write) { touch(at, 16, write, NULL); }

extern "C" {
#define HOOKS(n)                                                                              \
    void __tsan_read##n(void *p) { touch(p, n, false, __builtin_return_address(0)); }         \
    void __tsan_write##n(void *p) { touch(p, n, true, __builtin_return_address(0)); }         \
    void __tsan_unaligned_read##n(void *p) { touch(p, n, false, __builtin_return_address(0)); } \
    void __tsan_unaligned_write##n(void *p) { touch(p, n, true, __builtin_return_address(0)); }
/* Bytes are moved by one kernel alone, whose neighbours share a grain: they go unseen. */
void __tsan_read1(void *) {}
void __tsan_write1(void *) {}
HOOKS(2)
HOOKS(4)
HOOKS(8)
HOOKS(16)
void __tsan_read_range(void *p, size_t n) { touch(p, n, false, __builtin_return_address(0)); }
void __tsan_write_range(void *p, size_t n) { touch(p, n, true, __builtin_return_address(0)); }
void __tsan_func_entry(void *) {}
void __tsan_func_exit() {}
void __tsan_init() {}
unsigned long emu_touched() { return touched; }
}
