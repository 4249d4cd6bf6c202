"""Records of `saint data scenes --stream` (datasets/scenes/scenes.h describes them), and batches of them for training.

A Feeder runs several worker processes; each runs one generator, picks and tokenises questions, and writes finished batches of a fixed size
to a pipe. Threads of the training process read those straight into (pinned) buffers, so nothing but that copy happens there. Batch k comes
from worker k mod workers: the order does not depend on who is faster.
"""
import dataclasses
import json
import os
import queue
import random
import struct
import subprocess
import sys
import threading

import numpy

TASKS = ["existence", "count", "position", "color", "OCR", "scene", "relation"]
CLASSES = 8 + 10 * 8 + 36
NO, YES, SHORT = 0, 1, 2
HEADER = struct.Struct("<8s6I")
RECORD = struct.Struct("<IIQII")


@dataclasses.dataclass
class Question:
    task: int
    kind: int
    text: str
    answer: str


@dataclasses.dataclass
class Record:
    key: int
    task: int
    rgb: numpy.ndarray    # [size, size, 3] u8
    label: numpy.ndarray  # [grid, grid] u8
    questions: list


def open_pipe(saint, split, size, grid, seed, count, start):
    command = [saint, "data", "scenes", "--stream", "--split", split, "--size", str(size), "--grid", str(grid), "--seed", str(seed), "--count", str(count),
               "--start", str(start), "--threads", "1"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        import fcntl
        fcntl.fcntl(child.stdout, fcntl.F_SETPIPE_SZ, 1 << 20)  # the generator runs ahead while Python works
    except (OSError, AttributeError):
        pass
    head = child.stdout.read(HEADER.size)
    if len(head) != HEADER.size:
        raise RuntimeError(f"{command}: no stream")
    magic, version, got_size, got_grid, classes, tasks, _ = HEADER.unpack(head)
    if (magic, version, got_size, got_grid, classes, tasks) != (b"SAINTSCN", 1, size, grid, CLASSES, len(TASKS)):
        raise RuntimeError(f"{command}: not the stream that this reads: {head}")
    return child


def read_questions(blob, at, n):
    out = []
    for _ in range(n):
        task, kind, nq, na = struct.unpack_from("<BBHH", blob, at)
        at += 6
        out.append(Question(task, kind, blob[at:at + nq].decode("ascii"), blob[at + nq:at + nq + na].decode("ascii")))
        at += nq + na
    return out


class Stream:
    """Iterates over records; count 0 = without end."""

    def __init__(self, saint, split, size, grid, seed=0, count=0, start=0):
        self.size, self.grid = size, grid
        self.child = open_pipe(saint, split, size, grid, seed, count, start)

    def __iter__(self):
        read = self.child.stdout.read
        n, g = self.size * self.size * 3, self.grid * self.grid
        try:
            while len(head := read(RECORD.size)) == RECORD.size:
                length, _, key, task, questions = RECORD.unpack(head)
                body = read(length + 4 - RECORD.size)
                yield Record(key, task, numpy.frombuffer(body, numpy.uint8, n).reshape(self.size, self.size, 3),
                             numpy.frombuffer(body, numpy.uint8, g, n).reshape(self.grid, self.grid), read_questions(body, n + g, questions))
        finally:
            self.close()

    def close(self):
        self.child.stdout.close()
        self.child.kill()
        self.child.wait()


# ---- batches ----------------------------------------------------------------------------------------------------------------------

class Layout:
    """Where things lie in a sequence: [prefix ids, picture, slots of one question each, filler]. Slots see prefix, picture and themselves.

    Targets 0..slots-1 are the first answer token of each slot, the others are what follows (end of text included)."""

    def __init__(self, grid, prefix, slots, width):
        self.grid, self.slots, self.width = grid, slots, width
        self.head = prefix + grid * grid
        self.rows = slots * width
        self.filler = -(self.head + self.rows) % 8  # attention kernels want lengths of a multiple of 8
        self.targets = 3 * slots + 8

    def fields(self, batch, size):
        return [("rgb", "u1", (batch, size, size, 3)), ("label", "u1", (batch, self.grid, self.grid)), ("ids", "i2", (batch, self.rows)),
                ("at", "i2", (batch, self.targets)), ("target", "i2", (batch, self.targets)), ("task", "u1", (batch, self.slots)),
                ("kind", "u1", (batch, self.slots))]


def field_bytes(fields):
    return sum(numpy.dtype(kind).itemsize * int(numpy.prod(shape)) for _, kind, shape in fields)


def split_fields(buffer, fields):
    """Arrays over one flat u8 array; every field's size is even, so that the 16-bit ones are aligned (sizes and grids are even)."""
    out, at = {}, 0
    for name, kind, shape in fields:
        n = numpy.dtype(kind).itemsize * int(numpy.prod(shape))
        out[name] = buffer[at:at + n].view(kind).reshape(shape)
        at += n
    return out


def split_tensors(flat, fields):
    import torch
    out, at = {}, 0
    for name, kind, shape in fields:
        n = numpy.dtype(kind).itemsize * int(numpy.prod(shape))
        part = flat[at:at + n]
        out[name] = (part if kind == "u1" else part.view(torch.int16)).view(shape)
        at += n
    return out


def choose(questions, slots, rng):
    """One pair of each task that can be asked, both halves of it; then any other questions until the slots are full."""
    pairs, rest = {}, []
    i = 0
    while i < len(questions):
        q = questions[i]
        if q.kind == SHORT:
            rest.append([q])
            i += 1
        else:
            pairs.setdefault(q.task, []).append([q, questions[i + 1]])
            i += 2
    chosen = []
    for task in pairs:
        rng.shuffle(pairs[task])
        chosen.append(pairs[task][0])
        rest += pairs[task][1:]
    rng.shuffle(chosen)
    rng.shuffle(rest)
    out = []
    for group in chosen + rest:
        if len(out) + len(group) <= slots:
            out += group
        if len(out) == slots:
            break
    return out


def fill(row, layout, text, questions):
    """Write the chosen questions into one row of a batch."""
    ids, at, target = row["ids"], row["at"], row["target"]
    ids[:] = text.pad
    at[:] = 0
    target[:] = -100
    row["kind"][:] = 255
    more = layout.slots
    for slot, q in enumerate(questions):
        asked, answer = text.question(q.text), text.answer(q.answer) + [2]
        begin, n = slot * layout.width, len(asked) + len(answer) - 1
        if n > layout.width:
            continue  # longer than any question of the generator: the vocabulary is of another version
        ids[begin:begin + n] = asked + answer[:-1]
        row["task"][slot], row["kind"][slot] = q.task, q.kind
        for k, token in enumerate(answer):
            where = begin + len(asked) - 1 + k
            if k == 0:
                at[slot], target[slot] = where, token
            elif more < layout.targets:
                at[more], target[more] = where, token
                more += 1


def work(settings):
    """A worker: endless batches on stdout."""
    import vocabulary
    s = json.loads(settings)
    text = vocabulary.Text(s["tokenizer"])
    layout = Layout(s["grid"], len(text.prefix), s["slots"], s["width"])
    fields = layout.fields(s["batch"], s["size"])
    buffer = numpy.zeros(field_bytes(fields), numpy.uint8)
    arrays = split_fields(buffer, fields)
    stream = Stream(s["saint"], s["split"], s["size"], s["grid"], s["seed"], 0, s["start"])
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    records = iter(stream)
    try:
        while True:
            for i in range(s["batch"]):
                record = next(records)
                arrays["rgb"][i], arrays["label"][i] = record.rgb, record.label
                fill({k: v[i] for k, v in arrays.items()}, layout, text, choose(record.questions, s["slots"], random.Random(record.key)))
            view = memoryview(buffer)
            while view:
                view = view[out.write(view):]
    except BrokenPipeError:
        pass
    finally:
        stream.close()


class Feeder:
    """Batches of tensors; on the CPU they stay valid until the next call but one."""

    def __init__(self, saint, tokenizer, layout, batch, size, split="train", seed=0, start=0, workers=1, pin=False):
        import torch
        self.layout, self.workers, self.turn = layout, workers, 0
        self.fields = layout.fields(batch, size)
        n = field_bytes(self.fields)
        self.children, self.ready, self.free, self.threads = [], [], [], []
        self.stopping = False
        for w in range(workers):
            s = {"saint": str(saint), "tokenizer": str(tokenizer), "grid": layout.grid, "slots": layout.slots, "width": layout.width, "batch": batch,
                 "size": size, "split": split, "seed": seed * 1000 + w, "start": start}
            env = dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
            # a session of its own: Ctrl-C is for the trainer, which then saves; without a reader a worker ends by itself
            child = subprocess.Popen([sys.executable, __file__, json.dumps(s)], stdout=subprocess.PIPE, env=env, start_new_session=True)
            ready, free = queue.Queue(), queue.Queue()
            for _ in range(3):
                free.put(torch.empty(n, dtype=torch.uint8, pin_memory=pin))
            thread = threading.Thread(target=self._read, args=(child, ready, free, n), daemon=True)
            self.children.append(child)
            self.ready.append(ready)
            self.free.append(free)
            self.threads.append(thread)
            thread.start()
        self.held = []

    def _read(self, child, ready, free, n):
        while not self.stopping:
            flat = free.get()
            if flat is None:
                return
            view, got = memoryview(flat.numpy()), 0
            while got < n:
                k = child.stdout.readinto(view[got:])
                if not k:
                    ready.put(None)
                    return
                got += k
            ready.put(flat)

    def next(self, device="cpu"):
        """The next batch on the device. A buffer goes back to its worker when the copy out of it is over."""
        import torch
        w = self.turn % self.workers
        flat = self.ready[w].get()
        if flat is None:
            raise RuntimeError("a data worker has ended")
        self.turn += 1
        there, copied = flat.to(device, non_blocking=True), None
        if there.is_cuda:
            copied = torch.cuda.Event()
            copied.record()
        self.held.append((w, flat, copied))
        if len(self.held) > 2:
            old, done, event = self.held.pop(0)
            if event is not None:
                event.synchronize()
            self.free[old].put(done)
        return split_tensors(there, self.fields)

    def waiting(self):
        """How many batches lie ready."""
        return sum(r.qsize() for r in self.ready)

    def close(self):
        self.stopping = True
        for child, free in zip(self.children, self.free):
            free.put(None)
            child.kill()
        for child in self.children:
            child.wait()
        for thread in self.threads:
            thread.join(timeout=5)


if __name__ == "__main__":
    work(sys.argv[1])
