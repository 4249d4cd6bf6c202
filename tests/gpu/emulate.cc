/* emulate.cc - fibres, barriers and late copies behind emulate.h. x86-64 and the System V calling convention. */
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

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;
unsigned char *emu_shared;
extern unsigned char __start_emu_static[], __stop_emu_static[]; /* __shared__ variables */

extern "C" void emu_switch(void **save, void *to);
asm(".text\n.globl emu_switch\n.type emu_switch,@function\nemu_switch:\n"
    "pushq %rbp\npushq %rbx\npushq %r12\npushq %r13\npushq %r14\npushq %r15\n"
    "movq %rsp,(%rdi)\nmovq %rsi,%rsp\n"
    "popq %r15\npopq %r14\npopq %r13\npopq %r12\npopq %rbx\npopq %rbp\nret\n"
    ".size emu_switch,.-emu_switch\n");

/* STACK: no power of two, or the threads of a warp would fight for the same lines of the cache. */
enum { MOST_THREADS = 1024, STACK = (64 << 10) + 13 * 64, MOST_COPIES = 4096, SHARED = 256 << 10 };

struct copy_later {
    void *to;
    const void *from;
    bool valid;
};
struct fibre {
    char *stack;
    void *sp;
    uint3 at;
    bool done;
    int lane, warp, parity;
    unsigned barriers;
    copy_later *copy;
    int copies, groups, group_end[64];
};
struct meeting {
    int present, arrived;
    unsigned long round;
};
struct warp_state {
    meeting meet;
    emu_slot slot[2][32];
    bool left; /* a lane has ended */
};

static fibre *fibres, *self, *warp_end;
static warp_state warps[MOST_THREADS / 32];
static meeting block_meet;
static void *scheduler_sp;
static emu_call current_call;
static void *current_ctx;
static unsigned long progress;
static int alive; /* threads of the block that have not ended */
static unsigned launches, block_number;
static char *stacks;
extern char __executable_start, end;

__attribute__((weak)) void emu_touch(const void *, bool) {}

bool emu_place_of(emu_place *out)
{
    if (!self) return false;
    *out = emu_place{launches, block_number, threadIdx.x, self->barriers};
    return true;
}

bool emu_is_shared(const void *p)
{
    const unsigned char *c = (const unsigned char *)p;
    return (c >= emu_shared && c < emu_shared + SHARED) || (c >= __start_emu_static && c < __stop_emu_static);
}

bool emu_is_own(const void *p)
{
    const char *c = (const char *)p;
    return (c >= stacks && c < stacks + (size_t)MOST_THREADS * STACK) || (c >= &__executable_start && c < &end && !emu_is_shared(p));
}

void emu_fail(const char *why)
{
    fprintf(stderr, "FAILED in an emulated kernel: %s (block %u %u %u, thread %u)\n", why, blockIdx.x, blockIdx.y, blockIdx.z, threadIdx.x);
    abort();
}

/* On to the next lane of the warp that has not ended; behind the last one the scheduler looks what came of it. One call for both: lanes
 * switch to lanes that stand at the same place, so the processor guesses all returns. */
static void yield_now()
{
    fibre *me = self, *f = me + 1;
    while (f < warp_end && f->done) f++;
    void *to = scheduler_sp;
    if (f < warp_end) {
        self = f;
        threadIdx = f->at;
        to = f->sp;
    }
    emu_switch(&me->sp, to);
}

static void open_if_full(meeting &m)
{
    if (m.arrived < m.present || m.arrived == 0) return;
    m.arrived = 0;
    m.round++;
    progress++;
}

static void meet(meeting &m)
{
    unsigned long round = m.round;
    m.arrived++;
    open_if_full(m);
    while (m.round == round) yield_now();
}

void emu_block_barrier()
{
    meet(block_meet);
    self->barriers++;
    for (int i = 0; i < self->copies; i++) emu_touch(self->copy[i].to, true); /* it may arrive at any time */
}

int emu_lane()
{
    return self->lane;
}

emu_slot *emu_offer()
{
    return &warps[self->warp].slot[self->parity ^ 1][self->lane];
}

const emu_slot *emu_exchange()
{
    warp_state &w = warps[self->warp];
    if (w.left) emu_fail("a warp instruction after a lane of the warp has ended");
    const emu_slot *all = w.slot[self->parity ^= 1];
    meet(w.meet);
    return all;
}

static void arrive(const copy_later &c)
{
    emu_touch(c.to, true);
    if (c.valid) memcpy(c.to, c.from, 16);
    else memset(c.to, 0, 16);
}

void emu_copy_later(void *to, const void *from, bool valid)
{
    if ((uintptr_t)to % 16 || (uintptr_t)from % 16) emu_fail("cp.async: 16 bytes that are not aligned");
    if (self->copies == MOST_COPIES) emu_fail("too many copies in flight");
    self->copy[self->copies++] = copy_later{to, from, valid};
    emu_touch(to, true);
    if (valid) emu_touch(from, false);
    if (blockIdx.x % 3 == 1) arrive(self->copy[self->copies - 1]);
}

void emu_commit()
{
    self->group_end[self->groups++] = self->copies;
}

void emu_wait(int left)
{
    int done = self->groups - left;
    if (done <= 0) return;
    int end = self->group_end[done - 1];
    for (int i = 0; i < end && blockIdx.x % 3 != 1; i++) arrive(self->copy[i]);
    memmove(self->copy, self->copy + end, sizeof *self->copy * (size_t)(self->copies - end));
    self->copies -= end;
    for (int i = done; i < self->groups; i++) self->group_end[i - done] = self->group_end[i] - end;
    self->groups -= done;
}

static void fibre_main()
{
    current_call(current_ctx);
    self->done = true;
    alive--;
    progress++;
    warps[self->warp].left = true;
    if (warps[self->warp].meet.arrived) emu_fail("a thread ended while others of its warp wait for it");
    warps[self->warp].meet.present--;
    block_meet.present--;
    open_if_full(block_meet);
    yield_now();
    abort(); /* never resumed */
}

static void start(fibre &f, int i, int n)
{
    if (!f.stack) {
        f.stack = stacks + (size_t)i * STACK;
        f.copy = (copy_later *)malloc(sizeof *f.copy * MOST_COPIES);
    }
    void **top = (void **)((uintptr_t)(f.stack + STACK) & ~(uintptr_t)15);
    top[-2] = (void *)fibre_main; /* returned to by emu_switch; the stack is then as behind a call */
    f.sp = top - 8;
    f.at = uint3{(unsigned)i, 0, 0};
    f.done = false;
    f.lane = i % 32;
    f.warp = i / 32;
    f.parity = f.copies = f.groups = 0;
    f.barriers = 0;
    (void)n;
}

static void run_block(int n)
{
    bool down = (blockIdx.x + blockIdx.y) % 2;
    block_number = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
    for (int i = 0; i < n; i++) start(fibres[i], i, n);
    for (int w = 0; w < (n + 31) / 32; w++) {
        warps[w].meet = meeting{n - 32 * w < 32 ? n - 32 * w : 32, 0, 0};
        warps[w].left = false;
    }
    block_meet = meeting{n, 0, 0};
    int n_warps = (n + 31) / 32;
    for (alive = n; alive > 0;) {
        unsigned long before = progress;
        for (int k = 0; k < n_warps; k++) {
            int w = down ? n_warps - 1 - k : k;
            warp_end = fibres + (32 * w + 32 < n ? 32 * w + 32 : n);
            for (unsigned long seen = progress + 1; seen != progress;) { /* one warp as far ahead as it can get */
                seen = progress;
                fibre *f = fibres + 32 * w;
                while (f < warp_end && f->done) f++;
                if (f == warp_end) break;
                self = f;
                threadIdx = f->at;
                emu_switch(&scheduler_sp, f->sp);
            }
        }
        if (progress == before) emu_fail("all threads wait: a barrier that not all reach");
    }
}

cudaError_t emu_check(const void *kernel, dim3 grid, dim3 block, size_t shared)
{
    bool shape = block.x >= 1 && block.x <= MOST_THREADS && block.y == 1 && block.z == 1 && block.x % 32 == 0 && grid.x >= 1 && grid.x <= 0x7fffffff &&
                 grid.y >= 1 && grid.z >= 1 && grid.y <= 65535 && grid.z <= 65535;
    if (!shape) return fake_told(cudaErrorInvalidConfiguration);
    return shared > 48 * 1024 && shared > fake_shared_of(kernel) ? fake_told(cudaErrorInvalidValue) : cudaSuccess;
}

cudaError_t emu_launch(dim3 grid, dim3 block, size_t shared, emu_call call, void *ctx)
{
    if (!fibres) {
        fibres = (fibre *)calloc(MOST_THREADS, sizeof *fibres);
        stacks = (char *)aligned_alloc(4096, (size_t)MOST_THREADS * STACK);
        emu_shared = (unsigned char *)aligned_alloc(256, SHARED);
    }
    fake_count_launch();
    launches++;
    current_call = call;
    current_ctx = ctx;
    blockDim = block;
    gridDim = grid;
    static bool down;
    down = !down; /* no block may count on another one having been */
    for (unsigned z = 0; z < grid.z; z++)
        for (unsigned y = 0; y < grid.y; y++)
            for (unsigned x = 0; x < grid.x; x++) {
                blockIdx = down ? uint3{grid.x - 1 - x, grid.y - 1 - y, grid.z - 1 - z} : uint3{x, y, z};
                memset(emu_shared, 0xff, shared); /* NaN */
                memset(__start_emu_static, 0xff, (size_t)(__stop_emu_static - __start_emu_static));
                run_block((int)block.x);
            }
    self = NULL;
    return cudaSuccess;
}
